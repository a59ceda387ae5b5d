// Runs in every frame and returns what a person sees there, as JSON: see agent.data.Element.
// Boxes are relative to the frame's viewport; agent/snapshot.py moves them to the page.
(marks) => {
  const MAX_ELEMENTS = 5000, MAX_TEXT = 400, MIN_PICTURE_CSS = 16, MIN_CONTROL_CSS = 20;
  const INTERACTIVE =
    'button,a[href],label,summary,input,[role=button],[role=checkbox],[role=radio],[role=option],' +
    '[role=gridcell],[role=switch],[role=slider],[tabindex],[onclick]';
  const PRESSED = 'button,summary,[role=button],input[type=submit],input[type=button],input[type=image]';
  const out = [], nodes = [], controls = new Map(), blocks = new Map(), layers = new Map();
  const keys = [], scripts = [];
  const view = { width: document.documentElement.clientWidth, height: document.documentElement.clientHeight };

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
  const visible = (style, box) =>
    box.width > 0 && box.height > 0 && style.visibility === 'visible' && style.opacity !== '0' &&
    box.right + window.scrollX > 0 && box.bottom + window.scrollY > 0;

  // A layer is what lies over the page and does not scroll with it: a modal, a sticky header.
  const layerOf = (node) => {
    const passed = [];
    let layer = 0;
    for (let n = node; n; n = parentOf(n)) {
      if (layers.has(n)) { layer = layers.get(n); break; }
      passed.push(n);
      const position = getComputedStyle(n).position;
      if (position === 'fixed' || position === 'sticky' || (n.matches && n.matches(':modal'))) {
        layer = ++layers.count;
        break;
      }
    }
    for (const n of passed) layers.set(n, layer);
    return layer;
  };
  layers.count = 0;
  const hitAt = (x, y) => {
    let hit = document.elementFromPoint(x, y);
    while (hit && hit.shadowRoot) {
      const inner = hit.shadowRoot.elementFromPoint(x, y);
      if (!inner || inner === hit) break;
      hit = inner;
    }
    return hit;
  };
  // Covered is what lies under another layer; where it is out of view nobody can tell.
  const covered = (layer, box) => {
    const x = box.x + box.width / 2, y = box.y + box.height / 2;
    if (x < 0 || y < 0 || x >= view.width || y >= view.height) return false;
    const hit = hitAt(x, y);
    return hit !== null && layerOf(hit) > 0 && layerOf(hit) !== layer;
  };

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
    const layer = layerOf(el);
    out.push({ id: out.length, role, x: box.x, y: box.y, width: box.width, height: box.height,
      layer, covered: covered(layer, box), el, ...more });
    nodes.push(el);
  };
  const clip = (text) => text.replace(/\s+/g, ' ').trim().slice(0, MAX_TEXT);
  const inner = (el) => clip(el.innerText || '') || [...el.querySelectorAll('img[alt],svg title')]
    .map((part) => part.alt || part.textContent).join(' ');
  const named = (el) => clip((el.getAttribute('aria-labelledby') || '').split(' ').filter(Boolean)
    .map((id) => el.getRootNode().getElementById?.(id)?.textContent || '').join(' ') ||
    el.getAttribute('aria-label') || '');
  const nameOf = (el) => clip(named(el) || inner(el) || el.value || el.alt || el.getAttribute('title') || '');

  const control = (el, style, box) => {
    const type = (el.getAttribute('type') || '').toLowerCase(), role = el.getAttribute('role');
    const disabled = el.matches(':disabled') || el.getAttribute('aria-disabled') === 'true';
    const keep = (kind, more) => {
      controls.set(el, out.length);
      add(el, kind, box, { disabled, ...more });
    };
    if (el.matches('input[type=hidden],textarea') && (type === 'hidden' || !visible(style, box)))
      return add(el, 'token', box, { text: el.name || '', checked: el.value.length > 0, source: fingerprint(el.value) });
    // A checkbox may be hidden behind a label drawn over it, so it counts where its label shows.
    if (el.matches('input[type=checkbox],input[type=radio]') || role === 'checkbox' || role === 'radio') {
      const label = el.labels?.[0], shown = visible(style, box) ? box : label?.getBoundingClientRect() ?? box;
      controls.set(el, out.length);
      return add(el, role === 'checkbox' || role === 'radio' ? role : type, shown,
        { text: clip(named(el) || label?.innerText || inner(el)), checked: state(el), disabled, clickable: true });
    }
    if (!visible(style, box)) return;
    if (type === 'range' || role === 'slider') return keep('slider', { text: nameOf(el) });
    if (type === 'image') return keep('image', { text: clip(el.alt), clickable: true, loaded: true,
      source: fingerprint(el.src) });
    if (el.matches(PRESSED) || (el.matches('[role=option],[role=gridcell],[tabindex],[onclick]') && !el.matches('input,a')))
      return keep('button', { text: nameOf(el), checked: state(el), clickable: true });
    const leads = el.matches('a[href]') && !/^(#|javascript:)/.test(el.getAttribute('href'));
    if (el.matches('a[href]')) return keep(leads ? 'link' : 'button', { text: nameOf(el), clickable: true });
    if (el.matches('label')) return controls.set(el, -1);
    if (el.matches('input,select,textarea')) keep('input', { text: clip(named(el) || el.placeholder || el.labels?.[0]?.innerText || '') });
  };
  const picture = (el, style, box) => {
    if (box.width < MIN_PICTURE_CSS || box.height < MIN_PICTURE_CSS || !visible(style, box)) return;
    const tag = el.localName, background = style.backgroundImage.includes('url(') ? style : behind(el, box);
    if (tag !== 'img' && tag !== 'canvas' && tag !== 'svg' && tag !== 'video' && !background) return;
    const more = { checked: stateAround(el), clickable: style.cursor === 'pointer' || closest(el, INTERACTIVE) !== null };
    if (tag === 'img')
      add(el, 'image', box, { ...more, text: clip(el.alt || named(el)), loaded: el.complete && el.naturalWidth > 0,
        failed: el.complete && el.naturalWidth === 0 && Boolean(el.currentSrc || el.src), source: fingerprint(el.currentSrc || el.src) });
    else if (tag === 'canvas' || tag === 'video') add(el, 'canvas', box, { ...more, text: named(el) });
    else if (tag === 'svg') add(el, 'image', box, { ...more, text: named(el), source: fingerprint(el.innerHTML) });
    else add(el, 'background', box, { ...more, text: named(el),
      source: fingerprint(background.backgroundImage + background.backgroundPosition) });
  };
  // The picture may hang on a pseudo-element; only boxes without children are looked behind.
  const behind = (el, box) => {
    if (el.childElementCount || box.width < 24 || box.height < 24) return null;
    for (const part of ['::before', '::after']) {
      const style = getComputedStyle(el, part);
      if (style.content !== 'none' && style.backgroundImage.includes('url(')) return style;
    }
    return null;
  };
  // A box that only its pointer tells to be clickable, as scripts make them.
  const pointed = (el, style, box) => {
    if (style.cursor !== 'pointer' || controls.has(el) || !visible(style, box)) return;
    const above = parentOf(el);
    if (!above || getComputedStyle(above).cursor === 'pointer' || closest(above, INTERACTIVE)) return;
    if (Math.min(box.width, box.height) < MIN_CONTROL_CSS || box.width * box.height > view.width * view.height / 4) return;
    if (el.matches('img,canvas,svg')) return;
    controls.set(el, out.length);
    add(el, 'button', box, { text: inner(el), checked: state(el), clickable: true });
  };
  // Sentences are often split over inline elements: text belongs to the nearest block around it.
  const text = (node) => {
    if (!node.data.trim()) return;
    let block = node.parentElement || node.parentNode.host;
    while (block && getComputedStyle(block).display.startsWith('inline') &&
           !block.matches('button,a,label') && parentOf(block)) block = parentOf(block);
    if (!block || closest(block, 'button,[role=button],script,style,noscript,option,textarea')) return;
    if (!blocks.has(block)) blocks.set(block, { words: [], bold: [] });
    const entry = blocks.get(block), holder = node.parentElement || block;
    const words = clip(node.data);
    entry.words.push(words);
    if (holder !== block && +getComputedStyle(holder).fontWeight >= 600) entry.bold.push(words);
  };
  // What is said to those who do not see: the name of a group, as a text in its place.
  const spoken = (el, style, box) => {
    if (!el.hasAttribute('aria-label') || el.matches(INTERACTIVE + ',img,svg,canvas') || !visible(style, box)) return;
    add(el, 'text', box, { text: named(el) });
  };
  const note = (el) => {
    if (el.localName === 'script' && el.src) scripts.push(el.src);
    for (const name of el.getAttributeNames())
      if (/^data-([a-z]+-)*site-?key$/.test(name)) keys.push(el.getAttribute(name).slice(0, 200));
  };
  const walk = (root, folded) => {
    for (const node of root.childNodes) {
      if (folded && node.localName !== 'summary') continue;
      if (node.nodeType === Node.TEXT_NODE) text(node);
      if (node.nodeType !== Node.ELEMENT_NODE) continue;
      note(node);
      const style = getComputedStyle(node);
      if (style.display === 'none' && !node.matches('input,textarea')) continue;
      const box = node.getBoundingClientRect();
      if (node.matches(INTERACTIVE + ',textarea,select')) control(node, style, box);
      else spoken(node, style, box);
      if (node.localName === 'audio' && node.controls) add(node, 'audio', box, {});
      pointed(node, style, box);
      picture(node, style, box);
      // What is see-through is not there, but a hidden checkbox counts where its label shows.
      if (style.opacity === '0' && !node.querySelector('input')) continue;
      // What is folded away has a size all the same; its summary is what can be seen.
      const closed = node.localName === 'details' && !node.open;
      if (node.localName !== 'svg') walk(node.shadowRoot || node, closed);
    }
  };
  // The parts that a widget file names, wherever they are; what was not noted yet is now.
  const ROLES = { instruction: 'text', tiles: 'image', picture: 'image', sample: 'image' };
  const marked = new Map();
  const mark = (root) => {
    for (const [part, selector] of Object.entries(marks))
      for (const el of root.querySelectorAll(selector)) marked.set(el, [...(marked.get(el) || []), part]);
    for (const el of root.querySelectorAll('*')) if (el.shadowRoot) mark(el.shadowRoot);
  };
  if (Object.keys(marks).length) mark(document);
  walk(document);
  for (const [el, entry] of blocks) {
    const box = el.getBoundingClientRect(), style = getComputedStyle(el);
    if (!visible(style, box)) continue;
    const live = closest(el, '[role=status],[role=alert],[aria-live]');
    add(el, live ? 'status' : 'text', box, { text: clip(entry.words.join(' ')), bold: entry.bold });
  }
  for (const [el, parts] of marked) {
    const box = el.getBoundingClientRect(), role = ROLES[parts[0]] || 'button';
    const known = out.find((item) => item.el === el && (ROLES[parts[0]] !== 'text' || item.role === 'text'));
    if (known) known.parts = parts;
    else if (visible(getComputedStyle(el), box)) add(el, role, box, { text: nameOf(el), clickable: true, parts });
  }
  for (const item of out) {
    let owner = parentOf(item.el);
    while (owner && !controls.has(owner)) owner = parentOf(owner);
    item.parent = owner ? controls.get(owner) : -1;
    if (owner && item.parent === -1 && owner.control) item.parent = controls.get(owner.control) ?? -1;
    delete item.el;
  }
  // Kept so that one of them can be clicked itself where a click on its place did nothing.
  window[Symbol.for('captcha-agent')] = nodes;
  return JSON.stringify({ elements: out, title: document.title.slice(0, MAX_TEXT), keys, scripts,
    document: performance.timeOrigin, status: performance.getEntriesByType('navigation')[0]?.responseStatus ?? 0,
    scroll: [window.scrollX, window.scrollY], scale: window.devicePixelRatio, view: [view.width, view.height],
    size: [document.documentElement.scrollWidth, document.documentElement.scrollHeight] });
}
