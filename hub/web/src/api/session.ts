import { useSyncExternalStore } from 'react';
import type { components } from './schema';

type Me = components['schemas']['Me'];

/** unknown: not asked yet · out: nobody · in: somebody · ended: somebody whose session has ended while the page is open */
type State = { phase: 'unknown' | 'out' | 'in' | 'ended' | 'failed'; me?: Me };

let state: State = { phase: 'unknown' };
let waiting: (() => void)[] = [];
const listeners = new Set<() => void>();

function set(next: State) {
  state = next;
  listeners.forEach((tell) => tell());
}

export const session = {
  /** Who is signed in, asked once when the page opens and after each sign-in. */
  async load() {
    try {
      const answer = await fetch('/api/v1/me');
      if (answer.status === 401) return set({ phase: 'out' });
      if (!answer.ok) throw new Error(`${answer.status} instead of who is signed in`);
      const me = (await answer.json()) as Me;
      if (state.me && state.me.id !== me.id) return location.reload(); // what is on the page was the other's
      set({ phase: 'in', me });
      waiting.forEach((go) => go());
      waiting = [];
    } catch (e) {
      if (state.phase === 'ended') throw e; // the page below stays, and who signs in tries again
      set({ phase: 'failed' });
    }
  },
  /** Resolves when somebody has signed in again. */
  again(): Promise<void> {
    if (state.phase === 'in') set({ phase: 'ended', me: state.me });
    return new Promise((go) => waiting.push(go));
  },
  async leave() {
    const answer = await fetch('/api/v1/logout', { method: 'POST' });
    if (!answer.ok && answer.status !== 401) throw new Error(`${answer.status} to a sign-out`);
    location.assign('/');
  },
};

export function useSession(): State {
  return useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => state,
  );
}

export function useMe(): Me {
  const { me } = useSession();
  if (!me) throw new Error('nobody is signed in');
  return me;
}
