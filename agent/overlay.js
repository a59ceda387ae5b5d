// Draws over the page what was decided, for whoever watches: see agent/overlay.py. Without a scene
// it only takes away what was drawn. Boxes are in CSS pixels of the whole page.
(scene) => {
  const KEY = Symbol.for('captcha-agent overlay');
  window[KEY]?.remove();
  delete window[KEY];
  if (!scene) return;

  // Styles are set one by one: a page's security policy may forbid style sheets and markup.
  const make = (parent, style, text = '') => {
    const box = document.createElement('div');
    Object.assign(box.style, style);
    box.textContent = text;
    parent.append(box);
    return box;
  };
  const place = ([x, y, width, height]) => ({ position: 'absolute', boxSizing: 'border-box',
    left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
  const label = { position: 'absolute', whiteSpace: 'nowrap', padding: '.1em .45em', color: '#fff',
    font: '600 13px/1.4 system-ui, sans-serif' };

  // The page's corner lies to the left of where one from right to left starts: see agent/look.js.
  const root = document.documentElement;
  const rtl = [root, document.body].some((n) => n && getComputedStyle(n).direction === 'rtl');
  const corner = rtl ? root.clientWidth - root.scrollWidth : 0;
  const host = make(root, { all: 'initial' });
  Object.assign(host.style, { display: 'block', position: 'absolute', left: `${corner}px`, top: '0',
    width: '0', height: '0', overflow: 'visible', zIndex: '2147483647', pointerEvents: 'none',
    direction: 'ltr' });  // which `all` leaves as it is
  host.ariaHidden = 'true';
  window[KEY] = host;
  const shadow = host.attachShadow({ mode: 'closed' });
  // As a popover it lies above modal dialogs, too.
  host.popover = 'manual';
  host.showPopover?.();
  const zoom = host.currentCSSZoom ?? 1;
  if (zoom !== 1) host.style.zoom = 1 / zoom;

  for (const { box, text, chosen } of scene.tiles) {
    const color = chosen ? '#0072b2' : '#4a4a4a';
    const frame = make(shadow, { ...place(box), pointerEvents: 'none',
      outline: chosen ? `4px solid ${color}` : '2px dashed #e69f00', outlineOffset: chosen ? '-4px' : '-2px' });
    const size = Math.min(Math.max(box[2] / 7, 9), 13);  // no wider than the tile, if it can be read
    make(frame, { ...label, left: '0', bottom: '0', background: color, fontSize: `${size}px` }, text);
  }
  // At the foot of the window: above the tiles it would hide what is asked for.
  const bar = make(shadow, { position: 'fixed', inset: 'auto 0 0', textAlign: 'center', pointerEvents: 'none' });
  make(bar, { ...label, position: 'static', display: 'inline-block', padding: '3px 14px', whiteSpace: 'normal',
    background: '#1b2130', border: '1px solid #fff', borderBottom: '0', borderRadius: '8px 8px 0 0' }, scene.title);
}
