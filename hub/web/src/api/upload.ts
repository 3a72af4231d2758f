import { useSyncExternalStore } from 'react';
import type { DetailedError } from 'tus-js-client';
import i18n from '../i18n';
import { session } from './session';
import type { Problem } from './client';

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

/**
 * In pieces, by tus: what has arrived is not sent again, neither after a broken line nor when the page was closed and the
 * person chooses the same file again.
 */
async function send(u: Upload) {
  change(u.id, { state: 'sending', error: undefined });
  const metadata: Record<string, string> = { filename: u.file.name };
  for (const [name, value] of Object.entries(u.fields)) if (value) metadata[name] = value;
  const { Upload: Tus } = await import('tus-js-client'); // who only looks does not load it
  const way = new Tus(u.file, {
    endpoint: '/api/v1/uploads',
    headers: { 'Accept-Language': i18n.language },
    metadata,
    retryDelays: [1000, 3000, 5000, 10_000, 20_000],
    removeFingerprintOnSuccess: true,
    onShouldRetry: (e) => passing(status(e)),
    onProgress: (sent, total) => change(u.id, { percent: Math.floor((100 * sent) / total) }),
    onAfterResponse: (_, answer) => {
      const report = answer.getHeader('Loa-Report');
      if (report) change(u.id, { report });
    },
    onSuccess: () => {
      change(u.id, { state: 'done', percent: 100 });
      next();
    },
    onError: async (e) => {
      if (status(e) === 401) {
        change(u.id, { state: 'waiting' });
        await session.again();
      } else {
        change(u.id, { state: 'failed', error: problem(e) });
      }
      next();
    },
  });
  const before = (await way.findPreviousUploads()).find((b) => JSON.stringify(b.metadata) === JSON.stringify(metadata));
  if (before) way.resumeFromPreviousUpload(before);
  way.start();
}

const status = (e: Error | DetailedError) => ('originalResponse' in e && e.originalResponse?.getStatus()) || 0;

/** What may be over in a moment: no answer, a hub that restarts, another connection that has not ended yet. */
const passing = (code: number) => code === 0 || code === 409 || code === 423 || code >= 500;

function problem(e: Error | DetailedError): Problem | 'network' {
  try {
    return JSON.parse(('originalResponse' in e && e.originalResponse?.getBody()) || '') as Problem;
  } catch {
    return 'network';
  }
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
