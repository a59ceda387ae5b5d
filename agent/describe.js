// A CSS selector for the numbered elements together, as short as it stays exact in their document.
(ids) => {
  const nodes = ids.map((id) => (window[Symbol.for('captcha-agent')] || [])[id]);
  if (nodes.some((node) => !node)) return '';
  const only = (selector, root) => root.querySelectorAll(selector).length === 1;
  const steps = (node) => {
    const path = [], root = node.getRootNode();
    for (let n = node; n instanceof Element; n = n.parentElement) {
      const id = n.id && `#${CSS.escape(n.id)}`;
      if (id && only(id, root)) return [{ own: id, nth: '' }, ...path];
      const alike = n.parentElement ? [...n.parentElement.children].filter((m) => m.localName === n.localName) : [n];
      path.unshift({ own: n.localName, nth: alike.length > 1 ? `:nth-of-type(${alike.indexOf(n) + 1})` : '' });
    }
    return path;
  };
  const write = (path) => path.map(({ own, nth }) => own + nth).join(' > ');
  const paths = nodes.map(steps), first = paths[0];
  if (paths.length === 1) return write(first);
  const shape = (path) => path.map(({ own }) => own).join();
  if (paths.every((path) => shape(path) === shape(first))) {
    const common = first.map(({ own, nth }, at) => ({ own, nth: paths.every((path) => path[at].nth === nth) ? nth : '' }));
    if (nodes[0].getRootNode().querySelectorAll(write(common)).length === nodes.length) return write(common);
  }
  return paths.map(write).join(', ');
}
