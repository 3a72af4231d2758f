import { useSyncExternalStore } from 'react';
import i18n from '../i18n';
import { session } from './session';
import type { Problem, Report } from './client';

/** One file on its way; it stays in the list until the person clears it. */
export type Upload = {
  id: number;
  file: File;
  fields: Record<string, string>;
  state: 'waiting' | 'sending' | 'done' | 'failed';
  percent: number;
  report?: string;
  error?: Problem | 'network';
};

const atOnce = 2; // a village's line is shared by both
let list: Upload[] = [];
let last = 0;
const listeners = new Set<() => void>();

function change(id: number, part: Partial<Upload>) {
  list = list.map((u) => (u.id === id ? { ...u, ...part } : u));
  listeners.forEach((tell) => tell());
}

function next() {
  const busy = list.filter((u) => u.state === 'sending').length;
  list
    .filter((u) => u.state === 'waiting')
    .slice(0, atOnce - busy)
    .forEach(send);
}

/** fetch tells nothing of how far a request is; XMLHttpRequest does. */
function send(u: Upload) {
  change(u.id, { state: 'sending', percent: 0, error: undefined });
  const form = new FormData();
  for (const [name, value] of Object.entries(u.fields)) if (value) form.append(name, value);
  form.append('audio', u.file, u.file.name);
  const r = new XMLHttpRequest();
  r.open('POST', '/api/v1/reports');
  r.setRequestHeader('Accept-Language', i18n.language);
  r.responseType = 'json';
  r.upload.onprogress = (e) => e.lengthComputable && change(u.id, { percent: Math.floor((100 * e.loaded) / e.total) });
  r.onload = async () => {
    if (r.status === 401) {
      change(u.id, { state: 'waiting' });
      await session.again();
      return next();
    }
    if (r.status === 201) change(u.id, { state: 'done', percent: 100, report: (r.response as Report).id });
    else change(u.id, { state: 'failed', error: (r.response as Problem | null) ?? 'network' });
    next();
  };
  r.onerror = () => {
    change(u.id, { state: 'failed', error: 'network' });
    next();
  };
  r.send(form);
}

export const uploads = {
  add(files: { file: File; fields: Record<string, string> }[]) {
    list = [...files.map((f) => ({ ...f, id: ++last, state: 'waiting' as const, percent: 0 })), ...list];
    next();
    listeners.forEach((tell) => tell());
  },
  again(id: number) {
    change(id, { state: 'waiting' });
    next();
  },
  clear() {
    list = list.filter((u) => u.state !== 'done' && u.state !== 'failed');
    listeners.forEach((tell) => tell());
  },
};

export function useUploads(): Upload[] {
  return useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => list,
  );
}

/** A tab that is closed in the middle of an upload asks first. */
window.addEventListener('beforeunload', (e) => {
  if (list.some((u) => u.state === 'waiting' || u.state === 'sending')) e.preventDefault();
});
