"""Makes the bookmarklet that sends the text of any page to the operator's paste page."""

from __future__ import annotations

import json
from urllib.parse import quote

# It runs inside an untrusted page, which can read all of it and replace the functions it calls. So
# it holds no secret, and only opens an address that our own page forwards. The text goes by
# postMessage, because the policy of the page (``default-src 'none'``) may forbid every request and
# every form; it is sent once, and to our origin only. The opened window has no link to its opener
# if that page asks for isolation (Cross-Origin-Opener-Policy: same-origin, HTML standard 7.1.3);
# then the window counts as closed.
_CODE = """(function(){
var daily=document.querySelector('div[data-target=DailyPapers]');
var text=daily&&daily.getAttribute('data-props')||document.title+' '+location.href+'\\n\\n'
+(document.body||document.documentElement).innerText;
var page=window.open(ADDRESS),sent=false;
function send(event){
if(sent||event.source!==page||event.origin!==ORIGIN||event.data!=='larkpost-paste-ready')return;
sent=true;removeEventListener('message',send);page.postMessage(text,ORIGIN)}
function refused(){alert('This page does not let its text be sent. Copy it and paste it by hand.')}
if(!page){refused();return}
addEventListener('message',send);
setTimeout(function(){if(!sent&&page.closed)refused()},2000)
})()"""


def bookmarklet(address: str, origin: str) -> str:
    """Return the ``javascript:`` link that opens ``address``, a page of ours at ``origin``."""
    code = _CODE.replace("\n", "").replace("ADDRESS", json.dumps(address))
    return f"javascript:{quote(code.replace('ORIGIN', json.dumps(origin)), safe=_UNQUOTED)}"


_UNQUOTED = "(){}[]=!&|;:,.'*?+-_/@$<>\\"
