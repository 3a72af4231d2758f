import { useEffect, useState } from 'react';
import { useQueryClient, type QueryClient } from '@tanstack/react-query';

/** Which answers a topic of the hub's events makes old, by the beginning of their path. */
const outdated: Record<string, string[]> = {
  report: ['/reports', '/broadcasts'],
  decision: ['/own-items', '/agents'],
  broadcast: ['/broadcasts', '/areas/{code}/own', '/calendar', '/readiness', '/agents/{id}/why'],
  agent: ['/agents', '/readiness', '/fleet'],
  plan: ['/agents', '/readiness'],
  alarm: ['/alarms'],
  pairing: ['/pairings'],
  play: ['/plays', '/readiness', '/agents/{id}/why', '/agents/{id}/desk', '/reports/{id}/reach'],
  urgent: ['/urgent', '/readiness', '/agents/{id}/why'],
};

/** Those who follow a path by themselves, not by the answers that are kept. */
const followers = new Set<{ path: string; ask: () => void }>();

/** Calls `ask` whenever what is under the path has become old; gives a way to end it. */
export function follow(path: string, ask: () => void): () => void {
  const f = { path, ask };
  followers.add(f);
  return () => void followers.delete(f);
}

const pause = 400; // ms: a burst of events asks once

/**
 * Keeps what is on the page fresh: an event makes answers old, and what is shown of them is asked for anew. Rows are
 * never put together from events, so that a lost stream can neither lose nor double one. A stream that comes back makes
 * everything old, as `lagged` does.
 */
export function useEvents(): boolean {
  const queries = useQueryClient();
  const [live, setLive] = useState(false);
  useEffect(() => {
    const old = new Set<string>();
    let stream: EventSource | undefined;
    let later: ReturnType<typeof setTimeout> | undefined;
    let retry: ReturnType<typeof setTimeout> | undefined;
    let lost = false;
    const flush = () => {
      later = undefined;
      refresh(queries, old);
      old.clear();
    };
    const outdate = (paths: string[]) => {
      paths.forEach((p) => old.add(p));
      later ??= setTimeout(flush, pause);
    };
    const open = () => {
      stream = new EventSource('/api/v1/events');
      stream.onopen = () => {
        setLive(true);
        if (lost) outdate(['/']); // a stream that had no event yet begins at now: what came in between is in the answers only
        lost = false;
      };
      stream.onerror = () => {
        setLive(false);
        lost = true;
        if (stream?.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
        retry = setTimeout(open, 3000 + Math.random() * 4000);
      };
      stream.addEventListener('lagged', () => outdate(['/']));
      for (const [topic, paths] of Object.entries(outdated)) stream.addEventListener(topic, () => outdate(paths));
    };
    open();
    return () => {
      stream?.close();
      clearTimeout(later);
      clearTimeout(retry);
    };
  }, [queries]);
  return live;
}

function refresh(queries: QueryClient, old: Set<string>) {
  followers.forEach((f) => [...old].some((p) => f.path.startsWith(p)) && f.ask());
  void queries.invalidateQueries({
    predicate: ({ queryKey }) => typeof queryKey[1] === 'string' && [...old].some((p) => (queryKey[1] as string).startsWith(p)),
  });
}
