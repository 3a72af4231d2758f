import { useSyncExternalStore } from 'react';
import i18n from '../i18n';
import '../i18n/plan';
import { http, type Schemas } from '../api/client';

type Spec = Schemas['BroadcastBody'];

/** What takes a step back, by the same calls that anybody may make. */
type Opposite =
  | { kind: 'cancel'; id: string; version: number }
  | { kind: 'edit'; id: string; version: number; body: Omit<Spec, 'instead'> }
  | { kind: 'create'; body: Spec }
  | { kind: 'restore' | 'leave'; id: string; day: string };
export type Step = { what: string; back: Opposite };

const most = 10;
const key = 'loa-undo'; // of this tab: a reload loses no step
let steps: Step[] = read();
const listeners = new Set<() => void>();

function read(): Step[] {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? '[]') as Step[];
  } catch {
    return [];
  }
}

function set(next: Step[]) {
  steps = next.slice(-most);
  sessionStorage.setItem(key, JSON.stringify(steps));
  listeners.forEach((tell) => tell());
}

/** Remembers how to take back what was just done. */
export function did(what: string, back: Opposite) {
  set([...steps, { what, back }]);
}

/** Takes the last step back. One that cannot be taken back any more is forgotten, and said. */
export async function undo(): Promise<Step | undefined> {
  const last = steps.at(-1);
  if (!last) return undefined;
  set(steps.slice(0, -1));
  const { error } = await call(last.back);
  if (error) throw error;
  return last;
}

function call(b: Opposite) {
  switch (b.kind) {
    case 'cancel':
      return http.POST('/broadcasts/{id}/cancel', { params: { path: { id: b.id }, header: { 'If-Match': `"${b.version}"` } } });
    case 'edit':
      return http.PATCH('/broadcasts/{id}', { params: { path: { id: b.id }, header: { 'If-Match': `"${b.version}"` } }, body: b.body });
    case 'create':
      return http.POST('/broadcasts', { body: b.body });
    case 'restore':
      return http.DELETE('/broadcasts/{id}/days-off/{day}', { params: { path: { id: b.id, day: b.day } } });
    case 'leave':
      return http.PUT('/broadcasts/{id}/days-off/{day}', { params: { path: { id: b.id, day: b.day } } });
  }
}

export function useSteps(): Step[] {
  return useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => steps,
  );
}

/** What was done, in words. */
export const deed = (kind: 'created' | 'edited' | 'cancelled' | 'left' | 'restored', of: { title: string; day?: string }) => i18n.t(`plan:undo.${kind}`, of);
