import { useLayoutEffect, useMemo, useState, type RefObject } from 'react';
import { flushSync } from 'react-dom';

const step = 4; // lines: what exists moves on by so many, and reaches so many beyond what is in sight

/** The lines of a box that scrolls which are in sight, each with its place, and the height of all. */
export function useSight<T>(box: RefObject<HTMLElement | null>, lines: T[], height: (line: T) => number) {
  const [{ from, to }, setRange] = useState({ from: 0, to: 8 * step });
  const tops = useMemo(() => {
    const all = new Float64Array(lines.length + 1);
    lines.forEach((line, i) => (all[i + 1] = all[i]! + height(line)));
    return all;
  }, [lines, height]);
  useLayoutEffect(() => {
    const el = box.current!;
    const look = () => {
      const from = steps(before(tops, el.scrollTop)) - step;
      const to = steps(before(tops, el.scrollTop + el.clientHeight)) + 2 * step;
      setRange((was) => (was.from === from && was.to === to ? was : { from, to }));
    };
    look();
    const scrolled = () => flushSync(look); // so that this frame has them
    const sized = new ResizeObserver(look);
    el.addEventListener('scroll', scrolled, { passive: true });
    sized.observe(el);
    return () => {
      el.removeEventListener('scroll', scrolled);
      sized.disconnect();
    };
  }, [box, tops]);
  const first = Math.max(0, from);
  return { total: tops[lines.length]!, inSight: lines.slice(first, to).map((line, i) => ({ line, index: first + i, top: tops[first + i]! })) };
}

const steps = (n: number) => Math.floor(n / step) * step;

/** The line that a place is in, by binary search. */
function before(tops: Float64Array, place: number): number {
  let low = 0;
  for (let high = tops.length - 1; low < high; ) {
    const mid = (low + high + 1) >> 1;
    if (tops[mid]! <= place) low = mid;
    else high = mid - 1;
  }
  return low;
}
