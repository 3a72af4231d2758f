import { put, type AdminWords } from '../i18n/admin';

export type Period = { value: string; label: string; from: string; to: string };

const two = (n: number) => String(n).padStart(2, '0');
const last = (y: number, m: number) => two(new Date(Date.UTC(y, m, 0)).getUTCDate());

/**
 * The spans people report on. Administrative reports of a year and of its first half run from 15 December of the year before
 * (Decree 09/2019/NĐ-CP, article 12).
 */
export function periods(w: AdminWords['evidence'], today: string): Period[] {
  const year = Number(today.slice(0, 4));
  const month = Number(today.slice(5, 7));
  const out: Period[] = [];
  const add = (value: string, label: string, from: string, to: string) => out.push({ value, label, from, to });
  for (const y of [year, year - 1]) {
    const p = y - 1;
    add(`admin-${y}`, put(w.periods.admin, { y, p }), `${p}-12-15`, `${y}-12-14`);
    add(`year-${y}`, put(w.periods.year, { y }), `${y}-01-01`, `${y}-12-31`);
    add(`half-${y}`, put(w.periods.half, { y, p }), `${p}-12-15`, `${y}-06-14`);
    for (let q = 1; q <= 4; q++) if (y < year || q <= Math.ceil(month / 3)) add(`quarter-${y}-${q}`, put(w.periods.quarter, { q: ['I', 'II', 'III', 'IV'][q - 1] ?? q, y }), `${y}-${two(q * 3 - 2)}-01`, `${y}-${two(q * 3)}-${last(y, q * 3)}`);
  }
  for (const back of [0, 1]) {
    const at = new Date(Date.UTC(year, month - 1 - back, 1));
    const [y, m] = [at.getUTCFullYear(), at.getUTCMonth() + 1];
    add(`month-${y}-${m}`, put(w.periods.month, { m, y }), `${y}-${two(m)}-01`, `${y}-${two(m)}-${last(y, m)}`);
  }
  return out;
}
