import type { Row } from '../api/fleet';

export const columns = ['name', 'area', 'link', 'card', 'clock', 'cache', 'free', 'plan', 'next', 'age'] as const;
export type Column = (typeof columns)[number];
export type Sorting = { by: Column; down: boolean };

/** A line of the list: a cluster, or the head of an area's group. */
export type Line = Row | Head;
export type Head = { area: string; open: boolean; n: number; off: number; bad: number };
export const isHead = (line: Line): line is Head => 'open' in line;

type Key = string | number;
type Rank = (text: string) => number;

const keys: Record<Exclude<Column, 'name' | 'area'>, (r: Row) => Key> = {
  link: (r) => (r.state === 'active' ? Number(r.online) : -1),
  card: (r) => r.card,
  clock: (r) => r.clock,
  cache: (r) => r.cache,
  free: (r) => r.free ?? -1,
  plan: (r) => r.plan,
  next: (r) => (r.playing ? 0 : r.next ? Date.parse(r.next) : Infinity),
  age: (r) => (r.status_at ? -Date.parse(r.status_at) : Infinity),
};

/** Rows by a column; among equals, and by default, by name. */
export function sorted(rows: Row[], { by, down }: Sorting, name: Rank, area: Rank): Row[] {
  const key = by === 'name' ? () => 0 : by === 'area' ? (r: Row) => area(r.area) : keys[by];
  const way = down ? -1 : 1;
  const nameWay = by === 'name' ? way : 1;
  return rows
    .map((r) => ({ r, key: key(r), name: name(r.name) }))
    .sort((a, b) => (a.key < b.key ? -way : a.key > b.key ? way : nameWay * (a.name - b.name)))
    .map((x) => x.r);
}

/** Rows under the heads of their areas; of an area that is not open the head alone. */
export function grouped(rows: Row[], open: ReadonlySet<string>, area: Rank): Line[] {
  const byArea = new Map<string, Row[]>();
  for (const r of rows) {
    const of = byArea.get(r.area);
    if (of) of.push(r);
    else byArea.set(r.area, [r]);
  }
  return [...byArea]
    .sort(([a], [b]) => area(a) - area(b))
    .flatMap(([code, of]) => {
      const head = { area: code, open: open.has(code), n: of.length, off: of.filter((r) => r.bad.includes('offline')).length, bad: of.filter((r) => r.bad.length > 0).length };
      return head.open ? [head, ...of] : [head];
    });
}

const vietnamese = new Intl.Collator('vi', { numeric: true });

/** Places of texts in the alphabet, found anew only when there is a new text: a collator takes 50 ms for 10,000. */
export function ranking(): (texts: string[]) => Rank {
  let places = new Map<string, number>();
  return (texts) => {
    if (texts.some((x) => !places.has(x))) places = new Map([...new Set(texts)].sort(vietnamese.compare).map((x, i) => [x, i]));
    const known = places;
    return (text) => known.get(text) ?? known.size;
  };
}
