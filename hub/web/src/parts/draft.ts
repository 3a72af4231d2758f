import type { Broadcast, Schemas } from '../api/client';
import { timePattern } from './inputs';

export type Spec = Schemas['BroadcastBody'];

/** What the form holds; every field is text that a person wrote. */
export type Draft = {
  id?: string; version?: number; approved?: boolean; before?: Spec; instead?: Schemas['Instead']; note?: string;
  title: string; class: 'normal' | 'priority'; items: string[];
  mode: 'daypart' | 'exact'; daypart: string; date: string; time: string;
  repeat: 'once' | 'daily' | 'weekly' | 'custom'; days: string[]; until: string; rule: string; exdates: string[]; rdates: string[]; skipHolidays: boolean;
  areas: string[]; agents: string[]; tags: string[]; except: string[]; exceptTags: string[]; lateness: string; order: number;
};

export function emptyDraft(part: Partial<Draft>): Draft {
  return { title: '', class: 'normal', items: [], mode: 'daypart', daypart: '', date: '', time: '', repeat: 'once', days: [], until: '', rule: '', exdates: [], rdates: [], skipHolidays: false, areas: [], agents: [], tags: [], except: [], exceptTags: [], lateness: '', order: 0, ...part };
}

export const weekdays = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'] as const;

/** A broadcast as it was written. */
export function bodyOf(b: Broadcast): Spec {
  return { title: b.title, class: b.class as Spec['class'], area: b.area, items: (b.items ?? []).map((i) => ({ report: i.report })), when: b.when, targets: b.targets, lateness: b.lateness, order: b.order, ...(b.instead ? { instead: b.instead } : {}) };
}

/** A broadcast as the form shows it. A rule that the form cannot say is kept as it is. */
export function draftOf(b: Broadcast): Draft {
  const { at, daypart, date, rrule, exdates, rdates, skip_holidays } = b.when;
  const parts = Object.fromEntries((rrule ?? '').split(';').map((p) => p.split('=') as [string, string]));
  const { FREQ, BYDAY, UNTIL, ...others } = parts;
  const simple = !rrule || (Object.keys(others).every((k) => k === 'WKST' || k === '') && ((FREQ === 'DAILY' && !BYDAY) || (FREQ === 'WEEKLY' && !!BYDAY)) && (!UNTIL || /^\d{8}/.test(UNTIL)));
  return emptyDraft({
    id: b.id, version: b.version, approved: b.state === 'approved' || !!b.heard_version, before: bodyOf(b), instead: b.instead, title: b.title, class: b.class as Draft['class'], items: (b.items ?? []).map((i) => i.report),
    mode: daypart ? 'daypart' : 'exact', daypart: daypart ?? '', date: at ? at.slice(0, 10) : (date ?? ''), time: at ? at.slice(11).replace(/:00$/, '') : '',
    repeat: !rrule ? 'once' : !simple ? 'custom' : FREQ === 'DAILY' ? 'daily' : 'weekly', days: BYDAY?.split(',') ?? [], until: UNTIL ? `${UNTIL.slice(0, 4)}-${UNTIL.slice(4, 6)}-${UNTIL.slice(6, 8)}` : '',
    rule: rrule ?? '', exdates: exdates ?? [], rdates: rdates ?? [], skipHolidays: !!skip_holidays, lateness: b.lateness, order: b.order,
    areas: b.targets.areas ?? [], agents: b.targets.agents ?? [], tags: b.targets.tags ?? [], except: b.targets.except ?? [], exceptTags: b.targets.except_tags ?? [],
  });
}

/** The same once more, as one of its own. */
export function copyOf(d: Draft): Draft {
  return { ...d, id: undefined, version: undefined, approved: false, before: undefined, instead: undefined };
}

/** One day of a series, to be heard otherwise. */
export function dayOf(d: Draft, date: string): Draft {
  return { ...copyOf(d), instead: { broadcast: d.id ?? '', date }, date, repeat: 'once', days: [], until: '', rule: '', exdates: [], rdates: [], skipHolidays: false };
}

/** What the API gets, or nothing while something is missing. */
export function specOf(d: Draft): Spec | undefined {
  if (d.items.length === 0 || d.areas.length + d.agents.length === 0 || !d.date) return undefined;
  if (d.mode === 'exact' ? !timePattern.test(d.time) : !d.daypart) return undefined;
  if (d.repeat === 'weekly' && d.days.length === 0) return undefined;
  const until = d.until ? `;UNTIL=${d.until.replaceAll('-', '')}` : '';
  const rrule = { once: '', daily: `FREQ=DAILY${until}`, weekly: `FREQ=WEEKLY;BYDAY=${weekdays.filter((w) => d.days.includes(w)).join(',')}${until}`, custom: d.rule }[d.repeat];
  const list = (name: string, of: string[]) => (of.length ? { [name]: of } : {});
  return {
    title: d.title.trim() || '…', class: d.class, items: d.items.map((report) => ({ report })),
    when: {
      ...(d.mode === 'exact' ? { at: `${d.date}T${d.time.length === 5 ? `${d.time}:00` : d.time}` } : { daypart: d.daypart, date: d.date }),
      ...(rrule ? { rrule } : {}), ...(d.repeat !== 'once' ? list('exdates', d.exdates) : {}), ...list('rdates', d.rdates), ...(d.repeat !== 'once' && d.skipHolidays ? { skip_holidays: true } : {}),
    },
    targets: { areas: d.areas, ...list('agents', d.agents), ...list('tags', d.tags), ...list('except', d.except), ...list('except_tags', d.exceptTags) },
    ...(d.lateness ? { lateness: d.lateness } : {}), ...(d.order ? { order: d.order } : {}), ...(d.instead ? { instead: d.instead } : {}),
  };
}

/** What an edit of it says: what it stands for stays as it is. */
export function changeOf({ instead: _, ...rest }: Spec): Omit<Spec, 'instead'> {
  return rest;
}
