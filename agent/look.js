// Runs in every frame and returns what a person sees there, as JSON: see agent.data.Element.
// Boxes are relative to the frame's viewport; agent/snapshot.py moves them to the page.
//
// Each element is visited once, from the outside in, with what is known of those around it
// (`around`): nothing climbs up again, and what is hidden is left with all that is in it.
(marks) => {
  const MAX_ELEMENTS = 5000, MAX_TEXT = 400, MIN_PICTURE_CSS = 16, MIN_CONTROL_CSS = 20, MIN_BEHIND_CSS = 24;
  const INTERACTIVE =
    'button,a[href],label,summary,input,[role=button],[role=checkbox],[role=radio],[role=option],' +
    '[role=gridcell],[role=switch],[role=slider],[tabindex],[onclick]';
  const PRESSED = 'button,summary,[role=button],input[type=submit],input[type=button],input[type=image]';
  const CHECKED = 'input[type=checkbox],input[type=radio]';
  const ACTS_AS = { checkbox: 'checkbox', switch: 'checkbox', radio: 'radio' };
  const STATED = '[aria-checked],[aria-pressed],[aria-selected]';
  const MUTE = 'button,[role=button],script,style,noscript,option,textarea';
  const LIVE = 'output,[role=status],[role=alert],[aria-live]';
  const DRAWN = new Set(['img', 'image', 'canvas', 'svg', 'video']), EMBEDDED = 'object[type^="image/"],embed[type^="image/"]';
  const TOLD = { checked: 1, loaded: 1 }; // what says something where it is false
  const UNCONTROLLED = -1;
  const WHOLE = 0.9; // of the window's sides, and more: what covers so much covers it all
  const out = [], nodes = [], owners = [], lines = [], controls = new Map(), layers = new Map(), forms = new Map(), sheets = new Map();
  const root = document.documentElement, view = { width: root.clientWidth, height: root.clientHeight };
  // Where the window is on the page, whose corner lies to the left of where one from right to left starts.
  const rtl = [root, document.body].some((n) => n && getComputedStyle(n).direction === 'rtl');
  const scroll = [window.scrollX + (rtl ? root.scrollWidth - root.clientWidth : 0), window.scrollY];
  const keys = [], scripts = [];

  // An address may be a megabyte of data: URL; a change of it is all that matters.
  const fingerprint = (text) => {
    let h = 0;
    for (let i = 0; i < text.length; i++) h = (Math.imul(h, 31) + text.charCodeAt(i)) | 0;
    return text ? (h >>> 0).toString(36) + '.' + text.length.toString(36) : '';
  };
  const parentOf = (node) => node.assignedSlot || node.parentElement ||
    (node.getRootNode() instanceof ShadowRoot ? node.getRootNode().host : null);
  const visible = (style, box) =>
    box.width > 0 && box.height > 0 && style.visibility === 'visible' && style.opacity !== '0' &&
    box.right + scroll[0] > 0 && box.bottom + scroll[1] > 0;

  const layerOf = (node) => {
    for (let n = node; n; n = parentOf(n)) if (layers.has(n)) return layers.get(n);
    return 0;
  };
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
  const covered = (item) => {
    const x = item.x + item.width / 2, y = item.y + item.height / 2;
    if (x < 0 || y < 0 || x >= view.width || y >= view.height) return false;
    const over = layerOf(hitAt(x, y));
    return over > 0 && over !== (item.layer ?? 0);
  };

  // The colour in which something is said: red for no, green for yes.
  const tones = new Map();
  const toneOf = (color) => {
    if (!tones.has(color)) {
      const [r, g, b] = color.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0];
      tones.set(color, r > 90 && r - Math.max(g, b) > 80 && Math.abs(g - b) < 70 ? 'bad'
        : g > 60 && g - r > 30 && g - b > 20 ? 'good' : '');
    }
    return tones.get(color);
  };
  // The same of the ground that a message of its own stands on, which is paler.
  const groundOf = (color) => {
    const [r, g, b, alpha = 1] = color.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0];
    if (alpha < 0.1) return '';
    return Math.min(r - g, r - b) > 15 && Math.abs(g - b) < 40 ? 'bad' : g - r > 12 && g - b > 6 ? 'good' : '';
  };

  const state = (el) => {
    if (el.matches(CHECKED)) return el.checked;
    for (const name of ['aria-checked', 'aria-pressed', 'aria-selected'])
      if (/^(true|false|mixed)$/.test(el.getAttribute(name))) return el.getAttribute(name) === 'true';
    return null;
  };
  const stateAround = ({ stated, label }) => stated ? state(stated) : label?.control ? state(label.control) : null;

  const numberOf = (form) => {
    if (!forms.has(form)) forms.set(form, forms.size + 1);
    return forms.get(form);
  };
  // What is false, empty or unknown is left out: most of it is, and all that is there is sent.
  const add = (el, role, box, here, more) => {
    if (out.length >= MAX_ELEMENTS) return;
    const item = { id: out.length, role, x: box.x, y: box.y, width: box.width, height: box.height };
    if (here.layer) item.layer = here.layer;
    // A button may be of a form that it does not stand in.
    const form = el.form ? numberOf(el.form) : here.form;
    if (form) item.form = form;
    for (const name in more) if (more[name] || more[name] === false && name in TOLD) item[name] = more[name];
    out.push(item);
    nodes.push(el);
    owners.push(here.owner);
  };
  const clip = (text) => text.replace(/\s+/g, ' ').trim().slice(0, MAX_TEXT);
  // What is handed to a component stands in its slots, and is no part of its own text.
  const handed = (el) => el.getRootNode() instanceof ShadowRoot
    ? [...el.querySelectorAll('slot')].flatMap((slot) => slot.assignedNodes({ flatten: true }))
      .map((node) => node.innerText ?? node.textContent).join(' ') : '';
  const said = (el) => clip((el.childElementCount ? `${el.innerText ?? ''} ${handed(el)}` : el.textContent) || '');
  const inner = (el) => said(el) || [...el.querySelectorAll('img[alt],svg title')]
    .map((part) => part.alt || part.textContent).join(' ');
  const named = (el) => clip((el.getAttribute('aria-labelledby') || '').split(' ').filter(Boolean)
    .map((id) => el.getRootNode().getElementById?.(id)?.textContent || '').join(' ') ||
    el.getAttribute('aria-label') || '');
  const nameOf = (el) => clip(named(el) || inner(el) || el.value || el.alt || el.getAttribute('title') ||
    (el.matches('input[type=submit]') ? 'Submit' : ''));

  const control = (el, here) => {
    const { style, box } = here, type = (el.getAttribute('type') || '').toLowerCase(), role = el.getAttribute('role');
    const disabled = el.matches(':disabled') || el.getAttribute('aria-disabled') === 'true';
    const keep = (kind, more, place = box) => {
      controls.set(el, out.length);
      add(el, kind, place, here, { disabled, ...more });
    };
    // What has no place is at the page's corner, wherever the page is scrolled to.
    const nowhere = { x: -scroll[0], y: -scroll[1], width: 0, height: 0 };
    if (el.matches('input[type=hidden],textarea') && (type === 'hidden' || !visible(style, box)))
      return add(el, 'token', nowhere, here, { text: el.name, checked: el.value.length > 0, source: fingerprint(el.value) });
    // A checkbox may be hidden behind a label drawn over it, so it counts where its label shows.
    const acts = ACTS_AS[role];
    if (el.matches(CHECKED) || acts) {
      const label = el.labels?.[0], shown = visible(style, box) ? box : label?.getBoundingClientRect() ?? box;
      return keep(acts ?? type,
        { text: clip(named(el) || label?.innerText || inner(el)), checked: state(el), clickable: true }, shown);
    }
    if (!visible(style, box)) return;
    if (type === 'range' || role === 'slider') return keep('slider', { text: nameOf(el) });
    if (type === 'image') return keep('image', { text: clip(el.alt || el.title || el.value), clickable: true,
      source: fingerprint(el.src), submits: Boolean(el.form) });
    if (el.matches(PRESSED) || (el.matches('[role=option],[role=gridcell],[tabindex],[onclick]') && !el.matches('input,a')))
      return keep('button', { text: nameOf(el), checked: state(el), clickable: true,
        submits: el.type === 'submit' && Boolean(el.form) });
    const leads = el.matches('a[href]') && !/^(#|javascript:)/.test(el.getAttribute('href'));
    if (el.matches('a[href]')) return keep(leads ? 'link' : 'button', { text: nameOf(el), clickable: true });
    if (el.matches('label')) return controls.set(el, UNCONTROLLED);
    if (el.matches('input,select,textarea')) keep('input', { text: clip(named(el) || el.placeholder || el.labels?.[0]?.innerText || '') });
  };
  const picture = (el, here) => {
    const { style, box } = here, tag = el.localName;
    if (box.width < MIN_PICTURE_CSS || box.height < MIN_PICTURE_CSS || !visible(style, box)) return;
    const embedded = el.matches(EMBEDDED), drawn = embedded || DRAWN.has(tag);
    const background = drawn ? null : style.backgroundImage.includes('url(') ? style : behind(el, box);
    if (!drawn && !background) return;
    if (tag === 'svg' && el.querySelector('image')) return; // its pictures are, one by one
    const keep = (role, text, source, more) => add(el, role, box, here,
      { text, source, checked: stateAround(here), clickable: here.pointer || here.interactive, ...more });
    if (tag === 'img') {
      // One pixel keeps the place of a picture that is still to come.
      const arrived = el.complete && el.naturalWidth * el.naturalHeight > 1;
      const address = el.currentSrc || el.src, failed = el.complete && !el.naturalWidth && Boolean(address);
      keep('image', clip(el.alt || named(el)), fingerprint(address),
        arrived ? {} : { loaded: false, failed });
    } else if (background) {
      const image = background.backgroundImage;
      sheets.set(image, [...sheets.get(image) ?? [], [out.length, background.backgroundPosition]]);
      keep('background', named(el), fingerprint(image));
    }
    else if (embedded) keep('image', named(el), fingerprint(el.data || el.src));
    else if (tag === 'svg') keep('image', named(el), fingerprint(el.innerHTML));
    else if (tag === 'image') keep('image', named(el), fingerprint(el.href?.baseVal ?? ''));
    else keep('canvas', named(el));
  };
  // The picture may hang on a pseudo-element; only boxes with nothing in them are looked behind.
  const behind = (el, box) => {
    if (el.childElementCount || box.width < MIN_BEHIND_CSS || box.height < MIN_BEHIND_CSS || el.textContent.trim()) return null;
    for (const part of ['::before', '::after']) {
      const style = getComputedStyle(el, part);
      if (style.content !== 'none' && style.backgroundImage.includes('url(')) return style;
    }
    return null;
  };
  // A box that only its pointer tells to be clickable, as scripts make them.
  const pointed = (el, here) => {
    const { style, box } = here;
    if (controls.has(el) || !visible(style, box) || DRAWN.has(el.localName)) return;
    if (Math.min(box.width, box.height) < MIN_CONTROL_CSS || box.width * box.height > view.width * view.height / 4) return;
    controls.set(el, out.length);
    add(el, 'button', box, here, { text: inner(el), checked: state(el), clickable: true });
  };
  // Sentences are often split over inline elements: text belongs to the nearest block around it,
  // and goes on until another block comes in between.
  const text = (node, here) => {
    const block = here.block, words = block.mute ? '' : clip(node.data);
    if (!words) return;
    if (!block.line) lines.push(block.line = { block, first: node, text: '', bold: [] });
    const line = block.line;
    line.tone ||= toneOf(here.style.color);
    line.last = node;
    line.text += (/^[.,:;!?]/.test(node.data) ? '' : ' ') + words;
    if (here !== block && +here.style.fontWeight >= 600) line.bold.push(words);
  };
  const boxOf = ({ block, first, last }) => {
    if (!block.parted) return block.box;
    const range = document.createRange();
    range.setStartBefore(first);
    range.setEndAfter(last);
    return range.getBoundingClientRect();
  };
  // What is said to those who do not see: the name of a group, as a text in its place.
  const spoken = (el, here) => {
    if (el.hasAttribute('aria-label') && !DRAWN.has(el.localName) && visible(here.style, here.box))
      add(el, 'text', here.box, here, { text: named(el) });
  };
  const note = (el) => {
    if (el.localName === 'script' && el.src) scripts.push(el.src);
    for (const name of el.getAttributeNames())
      if (/^data-([a-z]+-)*site-?key$/.test(name)) keys.push(el.getAttribute(name).slice(0, 200));
  };

  // What is known at an element and inside of it. A layer is what lies over the page: a modal, a
  // sticky header, a sheet that covers the window.
  const enter = (el, style, around) => {
    const here = { ...around, el, style, box: el.getBoundingClientRect(), owner: around.control };
    // A script may listen to what has no such cursor; React leaves a trace of that here, too.
    here.listens = around.listens || (typeof el.onclick === 'function' && el !== document.body && el !== root);
    here.pointer = style.cursor === 'pointer' || here.listens;
    const tag = el.localName, position = style.position;
    const over = position === 'absolute' && style.zIndex > 0
      && here.box.width >= view.width * WHOLE && here.box.height >= view.height * WHOLE;
    if (position === 'fixed' || position === 'sticky' || over || (tag === 'dialog' && el.matches(':modal'))) {
      here.layer = layers.size + 1;
      layers.set(el, here.layer);
    }
    if (el.matches(INTERACTIVE)) here.interactive = true;
    if (el.matches(STATED)) here.stated = el;
    if (el.matches(LIVE)) here.live = true;
    if (el.matches(MUTE)) here.mute = true;
    if (tag === 'label') here.label = el;
    if (tag === 'form') here.form = numberOf(el);
    if (!/^(inline|contents)/.test(style.display) || tag === 'button' || tag === 'a' || tag === 'label') {
      here.block = here;
      here.line = null;
      here.parted = false;
    }
    return here;
  };
  const visit = (el, around) => {
    note(el);
    const style = getComputedStyle(el), tag = el.localName;
    if (style.display === 'none' && tag !== 'input' && tag !== 'textarea') return;
    const here = enter(el, style, around);
    if (el.matches(INTERACTIVE) || tag === 'textarea' || tag === 'select') control(el, here);
    else spoken(el, here);
    if (tag === 'audio' && el.controls) add(el, 'audio', here.box, here, {});
    if (here.pointer && !around.pointer && !around.interactive && parentOf(el)) pointed(el, here);
    picture(el, here);
    if (controls.has(el)) here.control = el;
    // What is see-through is not there, but a hidden checkbox counts where its label shows.
    if (style.opacity === '0' && !el.querySelector('input')) return;
    if (tag === 'svg' && !el.querySelector('image')) return;
    const slotted = tag === 'slot' ? el.assignedNodes() : [];
    const inside = slotted.length ? slotted : (el.shadowRoot || el).childNodes;
    // What is folded away has a size all the same; its summary is what can be seen.
    const folded = tag === 'details' && !el.open;
    const said = lines.length;
    walk(folded ? [...inside].filter((node) => node.localName === 'summary') : inside, here);
    if (here.block === here && lines.length > said) {
      around.block.line = null;
      around.block.parted = true;
    }
  };
  const walk = (inside, around) => {
    for (const node of inside)
      if (node.nodeType === Node.TEXT_NODE) text(node, around);
      else if (node.nodeType === Node.ELEMENT_NODE) visit(node, around);
  };

  // The parts that a widget file names, wherever they are; what was not noted yet is now.
  const ROLES = { instruction: 'text', tiles: 'image', picture: 'image', sample: 'image' };
  const marked = new Map();
  const mark = (tree) => {
    for (const [part, selector] of Object.entries(marks))
      for (const el of tree.querySelectorAll(selector)) marked.set(el, [...(marked.get(el) || []), part]);
    for (const el of tree.querySelectorAll('*')) if (el.shadowRoot) mark(el.shadowRoot);
  };
  if (Object.keys(marks).length) mark(document);
  walk(document.childNodes, { layer: 0, control: null, block: { mute: true } });
  // Several parts of one picture are told by their place in it; where it is shown once, a move of it is a state.
  for (const [image, shown] of sheets)
    if (shown.length > 1) for (const [id, place] of shown) if (out[id]) out[id].source = fingerprint(image + place);
  for (const line of lines) {
    const { block, text, bold } = line, box = boxOf(line);
    const tone = line.tone || groundOf(block.style.backgroundColor);
    if (visible(block.style, box))
      add(block.el, block.live ? 'status' : 'text', box, block, { text: clip(text), bold: bold.length && bold, tone });
  }
  for (const [el, parts] of marked) {
    const box = el.getBoundingClientRect(), role = ROLES[parts[0]] || 'button';
    const known = out.find((item) => nodes[item.id] === el && (role !== 'text' || item.role === 'text'));
    // An instruction may go on in blocks of its own: it is all that its element says.
    if (known && role !== 'text') known.parts = parts;
    else if (visible(getComputedStyle(el), box))
      add(el, role, box, { layer: layerOf(el), owner: null }, { text: nameOf(el), bold: known?.bold, clickable: true, parts });
  }
  // The control around each: of a label it is what the label is for, which may come later.
  for (const item of out) {
    const owner = owners[item.id], number = owner ? controls.get(owner) : UNCONTROLLED;
    const parent = number === UNCONTROLLED && owner?.control ? controls.get(owner.control) ?? UNCONTROLLED : number;
    if (parent !== UNCONTROLLED) item.parent = parent;
    if (layers.size && covered(item)) item.covered = true;
  }
  // Kept so that one of them can be clicked itself where a click on its place did nothing.
  window[Symbol.for('captcha-agent')] = nodes;
  return JSON.stringify({ elements: out, title: document.title.slice(0, MAX_TEXT), keys, scripts,
    document: performance.timeOrigin, status: performance.getEntriesByType('navigation')[0]?.responseStatus ?? 0,
    scroll, scale: window.devicePixelRatio, view: [view.width, view.height],
    size: [root.scrollWidth, root.scrollHeight] });
}
