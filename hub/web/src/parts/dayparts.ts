import type { TFunction } from 'i18next';

/** The usual names in people's words; a name of their own stays what it is. */
export function daypartName(t: TFunction, name: string): string {
  return t(`readiness.dayparts.${name as 'morning'}`, { defaultValue: name });
}
