import type { TFunction } from 'i18next';

/** The usual names in people's words; a name of their own stays what it is. */
export function daypartName(t: TFunction, name: string): string {
  return t(`readiness.dayparts.${name as 'morning'}`, { defaultValue: name });
}

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof weekdays)[number];

export const weekdayName = (t: TFunction, day: Weekday) => t(`weekday.${day.slice(0, 2).toUpperCase() as 'MO'}`);

/** T2 T4, or '' for every day, which an area may say by no day at all. */
export function weekdayNames(t: TFunction, days: readonly Weekday[] | null | undefined): string {
  return days && days.length > 0 && days.length < 7 ? days.map((d) => weekdayName(t, d)).join(' ') : '';
}
