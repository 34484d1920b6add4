// Small helpers around the page's elements.

/** Return the element with this id. */
export const byId = (id) => document.getElementById(id);

/** Make an element with properties and children (elements or text). */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Show some elements, hide others: show({wave: true, drop: false}). */
export function show(visible) {
  for (const [id, isVisible] of Object.entries(visible)) {
    byId(id).hidden = !isVisible;
  }
}
