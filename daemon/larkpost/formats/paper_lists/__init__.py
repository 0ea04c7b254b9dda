"""Lists of links to papers with text around them: saved web pages, alert mails, Markdown."""
