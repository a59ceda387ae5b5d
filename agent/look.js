// Runs in every frame and returns what a person sees there, as plain data: see agent.data.Element.
// Boxes are relative to the frame's viewport; the driver moves them to the page.
() => {
  const MAX_ELEMENTS = 5000, MAX_TEXT = 400, MIN_PICTURE_CSS = 16;
  const INTERACTIVE =
    'button,a[href],label,summary,input,[role=button],[role=checkbox],[role=radio],[role=option],' +
    '[role=gridcell],[role=switch],[tabindex],[onclick]';
  const out = [], nodes = [], ids = new Map(), blocks = new Map();

  // An address may be a megabyte of data: URL; a change of it is all that matters.
  const fingerprint = (text) => {
    let h = 0;
    for (let i = 0; i < text.length; i++) h = (Math.imul(h, 31) + text.charCodeAt(i)) | 0;
    return text ? (h >>> 0).toString(36) + '.' + text.length.toString(36) : '';
  };
  const parentOf = (node) => node.assignedSlot || node.parentElement ||
    (node.getRootNode() instanceof ShadowRoot ? node.getRootNode().host : null);
  const closest = (node, selector) => {
    for (let n = node; n; n = parentOf(n)) if (n.matches && n.matches(selector)) return n;
    return null;
  };
  const visible = (el, style, box) =>
    box.width > 0 && box.height > 0 && style.visibility === 'visible' && style.opacity !== '0';
  const state = (el) => {
    if (el.matches('input[type=checkbox],input[type=radio]')) return el.checked;
    for (const name of ['aria-checked', 'aria-pressed', 'aria-selected'])
      if (el.hasAttribute(name)) return el.getAttribute(name) === 'true';
    return null;
  };
  const stateAround = (el) => {
    const owner = closest(el, '[aria-checked],[aria-pressed],[aria-selected]');
    if (owner) return state(owner);
    const label = closest(el, 'label');
    return label && label.control ? state(label.control) : null;
  };
  const add = (el, role, box, more) => {
    if (out.length >= MAX_ELEMENTS) return;
    const id = out.length;
    ids.set(el, id);
    nodes.push(el);
    out.push({ id, role, x: box.x, y: box.y, width: box.width, height: box.height, el, ...more });
  };
  const clip = (text) => text.replace(/\s+/g, ' ').trim().slice(0, MAX_TEXT);
  const nameOf = (el) => clip(el.innerText || el.value || el.getAttribute('aria-label') ||
    el.getAttribute('title') || '');

  const control = (el, style, box) => {
    const type = (el.getAttribute('type') || '').toLowerCase(), role = el.getAttribute('role');
    const disabled = el.disabled === true || el.getAttribute('aria-disabled') === 'true';
    if (el.matches('input[type=hidden],textarea') && (type === 'hidden' || !visible(el, style, box)))
      return add(el, 'token', box, { text: el.name || '', checked: el.value.length > 0 });
    // A checkbox may be hidden behind a label drawn over it, so it counts where its label shows.
    if (el.matches('input[type=checkbox],input[type=radio]') || role === 'checkbox' || role === 'radio')
      return add(el, role || type, box,
        { text: clip(el.getAttribute('aria-label') || el.labels?.[0]?.innerText || ''),
          checked: state(el), disabled });
    if (!visible(el, style, box)) return;
    if (el.matches('button,summary,[role=button],input[type=submit],input[type=button],input[type=image]') ||
        (el.matches('[role=option],[role=gridcell],[tabindex],[onclick]') && !el.matches('input,a')))
      return add(el, 'button', box, { text: nameOf(el), checked: state(el), disabled });
    if (el.matches('a[href]')) return add(el, 'link', box, { text: nameOf(el) });
    if (el.matches('input,select,textarea')) add(el, 'input', box, { disabled });
  };
  const picture = (el, style, box) => {
    if (box.width < MIN_PICTURE_CSS || box.height < MIN_PICTURE_CSS || !visible(el, style, box)) return;
    const more = { checked: stateAround(el) };
    if (el.localName === 'img')
      add(el, 'image', box, { ...more, loaded: el.complete && el.naturalWidth > 0,
        source: fingerprint(el.currentSrc || el.src) });
    else if (el.localName === 'canvas') add(el, 'canvas', box, more);
    else if (el.localName === 'svg') add(el, 'image', box, more);
    else if (style.backgroundImage.includes('url('))
      add(el, 'background', box, { ...more, source: fingerprint(style.backgroundImage) });
  };
  // Sentences are often split over inline elements: text belongs to the nearest block around it.
  const text = (node) => {
    if (!node.data.trim()) return;
    let block = node.parentElement || node.parentNode.host;
    while (block && getComputedStyle(block).display.startsWith('inline') &&
           !block.matches('button,a,label') && parentOf(block)) block = parentOf(block);
    if (!block || closest(block, 'button,[role=button],script,style,noscript,option')) return;
    if (!blocks.has(block)) blocks.set(block, { words: [], bold: [] });
    const entry = blocks.get(block), holder = node.parentElement || block;
    const words = clip(node.data);
    entry.words.push(words);
    if (holder !== block && +getComputedStyle(holder).fontWeight >= 600) entry.bold.push(words);
  };
  const walk = (root) => {
    for (const node of root.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) text(node);
      if (node.nodeType !== Node.ELEMENT_NODE) continue;
      const style = getComputedStyle(node);
      if (style.display === 'none' && !node.matches('input,textarea')) continue;
      const box = node.getBoundingClientRect();
      if (node.matches(INTERACTIVE + ',textarea,select')) control(node, style, box);
      picture(node, style, box);
      if (node.localName !== 'svg') walk(node.shadowRoot || node);
    }
  };
  walk(document);
  for (const [el, entry] of blocks) {
    const box = el.getBoundingClientRect(), style = getComputedStyle(el);
    if (!visible(el, style, box)) continue;
    const live = closest(el, '[role=status],[role=alert],[aria-live]');
    add(el, live ? 'status' : 'text', box, { text: clip(entry.words.join(' ')), bold: entry.bold,
      font_px: parseFloat(style.fontSize) });
  }
  for (const item of out) {
    let owner = parentOf(item.el);
    while (owner && !(ids.has(owner) && owner.matches(INTERACTIVE))) owner = parentOf(owner);
    item.parent = owner ? ids.get(owner) : -1;
    delete item.el;
  }
  // Kept so that one of them can be clicked itself where a click on its place did nothing.
  window[Symbol.for('captcha-agent')] = nodes;
  return { elements: out, title: document.title.slice(0, MAX_TEXT),
    scroll: [window.scrollX, window.scrollY], scale: window.devicePixelRatio,
    size: [document.documentElement.scrollWidth, document.documentElement.scrollHeight] };
}
