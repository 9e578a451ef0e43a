import { byId, h, put, show } from './dom.js';

/**
 * Asks before anything is done.
 *
 * @param question - `{ title, text, yes, danger, fields: [{ name, label, value }] }`
 * @returns the values of the fields that were changed, by name; undefined when the answer is no
 */
export function ask({ title, text, yes, danger = false, fields = [] }) {
  const dialog = byId('ask');
  const form = byId('ask-form');
  put(byId('ask-title'), title);
  put(byId('ask-text'), text);
  put(byId('ask-yes'), yes);
  byId('ask-yes').className = danger ? 'danger' : 'primary';
  byId('ask-fields').replaceChildren(...fields.map(numberField));
  dialog.showModal();
  // The finger that opened it may still be on its way to Enter.
  byId(fields.length > 0 ? `ask-${fields[0].name}` : 'ask-no').focus();

  return new Promise((resolve) => {
    const answered = new AbortController();
    const { signal } = answered;
    const answer = (values) => {
      answered.abort();
      dialog.close();
      resolve(values);
    };
    form.addEventListener(
      'submit',
      (event) => {
        event.preventDefault();
        const inputs = fields.map(({ name }) => [name, byId(`ask-${name}`)]);
        const changed = inputs.filter(([, { value, defaultValue }]) => value !== defaultValue);
        answer(Object.fromEntries(changed.map(([name, { value }]) => [name, value])));
      },
      { signal },
    );
    byId('ask-no').addEventListener('click', () => answer(undefined), { signal });
    dialog.addEventListener('cancel', () => answer(undefined), { signal });
  });
}

function numberField({ name, label, value }) {
  const input = h('input', { id: `ask-${name}`, type: 'number', min: '0', step: '1', value: value ?? '' });
  return h('label', { for: `ask-${name}` }, label, input);
}

let toastTimer;

/** Tells what has become of it. */
export function tell(text, isBad = false) {
  const toast = byId('toast');
  put(toast, text);
  toast.dataset.bad = String(isBad);
  show(toast, true);
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => show(toast, false), isBad ? 10_000 : 5000);
}
