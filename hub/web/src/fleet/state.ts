import type { TFunction } from 'i18next';
import type { Schemas } from '../api/client';

/** What an agent says every 15 s is old when it did not come three times. */
const fresh = 45_000;

export const isFresh = (r: { online: boolean; status_at?: string }, now: number) => r.online && !!r.status_at && now - Date.parse(r.status_at) <= fresh;

export type Tone = 'green' | 'yellow' | 'red' | 'gray';

const tones: Record<string, Tone> = {
  ok: 'green', synced: 'green', active: 'green', plausible: 'yellow', fetching: 'yellow', waiting: 'yellow', starting: 'yellow',
  missing: 'red', stalled: 'red', untrusted: 'red', full: 'red', damaged: 'red', refused: 'red',
};

/** The colour of a word: nothing is green that is not fresh. */
export const tone = (word: string, isNew: boolean): Tone => (isNew ? (tones[word] ?? 'gray') : 'gray');

export type Trouble = 'offline' | 'card' | 'clock' | 'audio' | 'plan';

/** What of a cluster wants a look, by what it last said. */
export function troubles(r: Schemas['FleetRow']): Trouble[] {
  if (r.state !== 'active') return [];
  const list: Trouble[] = [];
  if (!r.online) list.push('offline');
  if (tones[r.card] === 'red') list.push('card');
  if (tones[r.clock] === 'red') list.push('clock');
  if (tones[r.cache] === 'red' || r.missing) list.push('audio');
  if (tones[r.plan] === 'red') list.push('plan');
  return list;
}

/** How long ago, in words. */
export function ago(t: TFunction, at: string | undefined, now: number): string {
  if (!at) return t('age.never');
  const s = Math.max(0, Math.round((now - Date.parse(at)) / 1000));
  if (s < 3) return t('age.now');
  if (s < 100) return t('age.s', { n: s });
  if (s < 100 * 60) return t('age.m', { n: Math.round(s / 60) });
  return s < 48 * 3600 ? t('age.h', { n: Math.round(s / 3600) }) : t('age.d', { n: Math.round(s / 86400) });
}

/** Text without marks and case, for searching: "Cụm" is found by "cum". */
export const plain = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').replace(/đ/g, 'd').replace(/Đ/g, 'D').toLowerCase();

export const gigabytes = (bytes: number) => bytes / 2 ** 30;
