import { useEffect, useState, useSyncExternalStore } from 'react';
import { http, type Schemas } from './client';
import { follow } from './events';
import { plain, troubles, type Trouble } from '../fleet/state';

/** A cluster as the hub tells it, and what is made of each word of it once: its name for searching, its troubles. */
export type Row = Schemas['FleetRow'] & { plain: string; bad: Trouble[] };

const gap = 1000; // ms between two questions, however much happens
const pulse = 5000; // ms: ages are news that no event tells of

export type Seen = { rows: Row[]; loaded: boolean; error: unknown };

/**
 * All clusters, followed by a mark: each answer says what was heard behind the one before it and is merged by id, so
 * that neither a lost stream nor a lost answer can lose or double a row. One question is under way at a time.
 */
class Fleet {
  private byId = new Map<string, Row>();
  private mark = '';
  private listeners = new Set<() => void>();
  private seen: Seen = { rows: [], loaded: false, error: undefined };
  private timer: ReturnType<typeof setTimeout> | undefined;
  private busy = false;
  private wanted = false;
  private ended = false;
  private last = 0;

  subscribe = (fn: () => void) => {
    this.listeners.add(fn);
    return () => void this.listeners.delete(fn);
  };

  look = () => this.seen;

  ask = () => {
    this.wanted = true;
    this.plan(0);
  };

  run() {
    this.ended = false;
    const stop = follow('/fleet', this.ask);
    this.ask();
    return () => {
      this.ended = true;
      clearTimeout(this.timer);
      stop();
    };
  }

  private plan(wait: number) {
    if (this.busy || this.ended) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.pull(), Math.max(wait, this.last + gap - Date.now(), 0));
  }

  private async pull() {
    this.busy = true;
    this.wanted = false;
    this.last = Date.now();
    try {
      const { data, error } = await http.GET('/fleet', { params: { query: { mark: this.mark || undefined } } });
      if (!data) throw error;
      this.take(data);
    } catch (error) {
      this.show({ ...this.seen, error });
    }
    this.busy = false;
    this.plan(this.wanted ? 0 : pulse);
  }

  private take(data: Schemas['FleetOutputBody']) {
    if (data.whole) this.byId = new Map();
    for (const r of data.items) this.byId.set(r.id, { ...r, plain: plain(r.name), bad: troubles(r) });
    this.mark = data.mark;
    const same = this.seen.loaded && !this.seen.error && data.items.length === 0 && !data.whole;
    if (!same) this.show({ rows: [...this.byId.values()], loaded: true, error: undefined });
  }

  private show(seen: Seen) {
    this.seen = seen;
    this.listeners.forEach((fn) => fn());
  }
}

export function useFleet(): Seen & { ask: () => void } {
  const [fleet] = useState(() => new Fleet());
  useEffect(() => fleet.run(), [fleet]);
  return { ...useSyncExternalStore(fleet.subscribe, fleet.look), ask: fleet.ask };
}
