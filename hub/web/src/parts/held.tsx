import { useState, type ReactNode } from 'react';

/**
 * Keeps what it shows as it is while a mouse or a finger holds a part of it.
 * FullCalendar takes a drop for one from another calendar, and reports none, when its props changed
 * since the last move (fullcalendar#7619): what was dragged lay there as if it were planned.
 */
export function Held({ children }: { children: ReactNode }) {
  const [kept, setKept] = useState<ReactNode>();
  const hold = () => {
    setKept(children);
    const letGo = new AbortController();
    for (const end of ['mouseup', 'touchend', 'touchcancel'])
      window.addEventListener(end, () => (letGo.abort(), setTimeout(() => setKept(undefined))), { signal: letGo.signal }); // it reports the drop in a task of its own, put before this one
  };
  return (
    <div onMouseDownCapture={hold} onTouchStartCapture={hold}>
      {kept ?? children}
    </div>
  );
}
