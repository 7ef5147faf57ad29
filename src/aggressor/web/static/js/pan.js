/**
 * Pointer and wheel on a pane with a time axis: cursor, pan, zoom, select, seek.
 *
 * Why: every pane with time moves in the same way. Drag moves, the wheel zooms time (with shift:
 * prices), a click selects, a double click runs a replay to that second.
 */

/**
 * @param {import("./pane.js").CanvasPane} pane
 * @param {() => import("./axes.js").Plot} plot
 * @param {(x: number, y: number) => boolean} click
 * @param {boolean} [priced] whether the vertical axis is the shared price
 */
export function attachPan(pane, plot, click, priced = true) {
  const { desk, element } = pane;
  const { view } = desk;
  /** @type {{x: number, y: number, moved: boolean}|null} */
  let held = null;
  /** @param {PointerEvent|WheelEvent|MouseEvent} event */
  const place = (event) => {
    const box = element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  element.addEventListener("pointermove", (event) => {
    const [x, y] = place(event);
    const p = plot();
    if (held) {
      const [dx, dy] = [x - held.x, y - held.y];
      if (!held.moved && Math.hypot(dx, dy) < 4) return;
      held = { x, y, moved: true };
      if (dx) view.pan((-dx / p.width) * view.span, desk.now);
      if (dy && priced) {
        view.follow_price = false;
        const ticks = (dy / p.height) * (view.high - view.low);
        view.prices(view.low + ticks, view.high + ticks);
      }
      return;
    }
    view.point(p.t(x), priced && p.holds(x, y) ? p.v(y) : null, pane.id);
  });
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const [x, y] = place(event);
    held = { x, y, moved: false };
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointerup", (event) => {
    const [x, y] = place(event);
    const was = held;
    held = null;
    if (was && !was.moved) click(x, y);
  });
  element.addEventListener("pointercancel", () => (held = null));
  element.addEventListener("pointerleave", () => {
    if (!held) view.point(null, null, pane.id);
  });
  element.addEventListener("dblclick", (event) => {
    const [x] = place(event);
    desk.seek(plot().t(x));
  });
  element.addEventListener("wheel", (event) => {
    event.preventDefault();
    const [x, y] = place(event);
    const p = plot();
    const factor = Math.exp(Math.sign(event.deltaY || event.deltaX) * 0.18);
    if (event.shiftKey && priced) {
      view.follow_price = false;
      view.zoomPrice(factor, p.v(y), 50000);
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) view.pan((event.deltaX / p.width) * view.span, desk.now);
    else view.zoom(factor, p.t(x), desk.now);
  }, { passive: false });
}
