// Puts the text of the page that opened this one into the field; somebody has to press the button.
// Without it the page works as well: the text can be pasted by hand.
const field = document.querySelector("textarea[data-paste-root]");
const forward = document.querySelector("[data-paste-open]");
const root = field ? field.dataset.pasteRoot : forward.dataset.pasteOpen;
const key = `larkpost-paste ${root}`;

// A bookmarklet is read by the page on which it is clicked, so the secret address is not in it: the
// paste page keeps its own in this browser, and the page that the bookmarklet opens forwards to it.
function remember(path) {
  try {
    localStorage.setItem(key, path);
  } catch {
    // A browser without storage: the text can still be pasted by hand.
  }
}

function recall() {
  try {
    const path = localStorage.getItem(key) || "";
    return path.startsWith(`${root}/admin/`) && path.endsWith("/paste") ? path : "";
  } catch {
    return "";
  }
}

function receive(event) {
  if (event.source !== opener || typeof event.data !== "string" || field.value) return;
  const status = document.querySelector("[data-paste-status]");
  if (event.data.length > Number(field.dataset.pasteLargest)) {
    status.textContent = "That page has too much text. Save it, and put it into the inbox folder as a file.";
    return;
  }
  field.value = event.data;
  status.textContent = "The text of the page is in the field. Nothing has been read yet.";
}

if (field) {
  remember(location.pathname);
  if (opener) {
    addEventListener("message", receive);
    opener.postMessage("larkpost-paste-ready", "*");
  }
} else if (recall()) {
  location.replace(recall());
}
