// Scrolls so that the numbered elements can be seen whole, where something hides them: the last one
// goes to the middle of the view, of every scrolling box around it. Returns whether it scrolled.
(ids) => {
  const nodes = ids.map((id) => (window[Symbol.for('captcha-agent')] || [])[id]).filter((node) => node && node.isConnected);
  if (!nodes.length) return false;
  const lifted = (node) => {
    for (let n = node; n instanceof Element; n = n.parentElement || n.getRootNode().host)
      if (['fixed', 'sticky'].includes(getComputedStyle(n).position)) return n;
    return null;
  };
  const view = document.documentElement;
  const seen = (node) => {
    const box = node.getBoundingClientRect();
    if (box.width > view.clientWidth || box.height > view.clientHeight) return true;
    return [[box.left + 2, box.top + 2], [box.right - 3, box.bottom - 3]].every(([x, y]) => {
      if (x < 0 || y < 0 || x >= view.clientWidth || y >= view.clientHeight) return false;
      const hit = document.elementFromPoint(x, y);
      return hit && (!lifted(hit) || lifted(hit) === lifted(node));
    });
  };
  if (nodes.every(seen)) return false;
  const before = nodes[0].getBoundingClientRect();
  nodes[nodes.length - 1].scrollIntoView({ block: 'center', inline: 'nearest', behavior: 'instant' });
  const after = nodes[0].getBoundingClientRect();
  return before.x !== after.x || before.y !== after.y;
}
