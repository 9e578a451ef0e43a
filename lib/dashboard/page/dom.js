/** An element; what users' code has named goes in as text only. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'onclick') element.addEventListener('click', value);
    else if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Writes only what is new: a text that is written anew loses the reader's selection. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function mark(element, name, value) {
  if (element.dataset[name] !== value) element.dataset[name] = value;
}

export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

/**
 * Keeps one child for each item, in their order, and moves none that stands where it should.
 *
 * @param children - by key, of earlier calls
 * @param make - makes `{ element, update(item) }`
 */
export function keepInStep(parent, children, items, keyOf, make) {
  const keys = new Set(items.map(keyOf));
  for (const [key, child] of children) {
    if (keys.has(key)) continue;
    child.element.remove();
    child.dispose?.();
    children.delete(key);
  }
  let next = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let child = children.get(key);
    if (child === undefined) {
      child = make(item);
      children.set(key, child);
    }
    if (child.element === next) next = next.nextElementSibling;
    else parent.insertBefore(child.element, next);
    child.update(item);
  }
}
