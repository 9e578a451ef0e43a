/** One tab is one user: `/?id=ann`. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Relay</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem; }
  form { display: flex; gap: .5rem; flex-wrap: wrap; align-items: end; }
  label { display: grid; }
  input { font: inherit; padding: .25rem .5rem; }
  .text { flex: 1; }
  button { font: inherit; padding: .25rem 1rem; }
  ol { list-style: none; padding: 0; }
  li { border-bottom: 1px solid #ddd; padding: .25rem 0; overflow-wrap: anywhere; }
  .own, [role=status] { color: #666; }
</style>
</head>
<body>
<h1>Relay</h1>
<p role="status">…</p>
<form id="who"><label>I am <input name="id" maxlength="256" required autofocus></label><button>Connect</button></form>
<form id="letter" hidden>
  <label>To <input name="to" maxlength="256" required></label>
  <label class="text">Text <input name="text" maxlength="4000" required autocomplete="off"></label>
  <button>Send</button>
</form>
<ol aria-label="Messages" aria-live="polite"></ol>
<script>
  const id = new URLSearchParams(location.search).get('id');
  const [who, letter] = document.forms;
  const status = document.querySelector('[role=status]');
  const list = document.querySelector('ol');
  const tell = (text, isOwn) => {
    const item = document.createElement('li');
    item.textContent = text;
    item.className = isOwn ? 'own' : '';
    list.prepend(item);
  };
  // 4500 and above, and what the application itself has ended, mean "do not come back".
  const comesBack = (code) => code === 1001 || code === 1006 || (code >= 4000 && code < 4500);
  const connect = () => {
    const socket = new WebSocket(location.origin.replace('http', 'ws') + '/hello?id=' + encodeURIComponent(id));
    socket.onopen = () => { status.textContent = 'Connected as ' + id; };
    socket.onmessage = ({ data }) => {
      for (const line of data.split('\\n')) {
        if (line === '') continue;
        const { from, text, to, status, node, reason, error } = JSON.parse(line);
        if (from !== undefined) tell(from + ': ' + text);
        else tell(error ?? 'to ' + to + ': ' + status + (node ? ' to ' + node : '') + (reason ? ', ' + reason : ''), true);
      }
    };
    socket.onclose = ({ code, reason }) => {
      const again = comesBack(code);
      status.textContent = 'Closed: ' + code + ' ' + reason + (again ? '; connecting again' : '');
      // Not all at the same moment.
      if (again) setTimeout(connect, 500 + 1000 * Math.random());
    };
    letter.onsubmit = (event) => {
      event.preventDefault();
      socket.send(JSON.stringify({ to: letter.to.value, text: letter.text.value }) + '\\n');
      letter.text.value = '';
    };
  };
  if (id === null) status.textContent = 'Not connected';
  else {
    who.hidden = true;
    letter.hidden = false;
    connect();
  }
</script>
</body>
</html>
`;
