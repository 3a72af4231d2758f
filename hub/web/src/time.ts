import { useEffect, useMemo, useState } from 'react';
import i18n from './i18n';
import { hubNow } from './api/client';
import { useMe } from './api/session';

/** Times as people of the fleet read them: in its zone, whatever the browser's, and as Vietnamese write dates. */
export class Clock {
  constructor(readonly zone: string) {}

  private format(at: string | Date, options: Intl.DateTimeFormatOptions): string {
    const locale = i18n.language === 'en' ? 'en-GB' : 'vi-VN';
    return new Intl.DateTimeFormat(locale, { timeZone: this.zone, hourCycle: 'h23', ...options }).format(new Date(at));
  }

  /** 05:30 */
  time(at: string | Date): string {
    return this.format(at, { hour: '2-digit', minute: '2-digit' });
  }

  /** 05:30:07 */
  exact(at: string | Date): string {
    return this.format(at, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
  }

  /** 05:30–05:42, or to the second what lies within a minute */
  range(from: string | Date, to: string | Date): string {
    const by = this.time(from) === this.time(to) ? 'exact' : 'time';
    return `${this[by](from)}–${this[by](to)}`;
  }

  /** 24/11/2026 */
  date(at: string | Date): string {
    return this.format(at, { day: '2-digit', month: '2-digit', year: 'numeric' });
  }

  /** Thứ Ba, 24/11 */
  day(at: string | Date): string {
    const weekday = this.format(at, { weekday: 'long' });
    return `${weekday}, ${this.date(at).slice(0, 5)}`; // Intl writes 24-11 in Vietnamese, people do not
  }

  /** 05:30, 24/11/2026 */
  both(at: string | Date): string {
    return `${this.time(at)}, ${this.date(at)}`;
  }

  /** The day in the fleet's zone, 2026-11-24. */
  iso(at: string | Date): string {
    return new Intl.DateTimeFormat('en-CA', { timeZone: this.zone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(new Date(at));
  }

  /** Today in the fleet's zone, by the hub's clock: a commune's PC may be years off. */
  today(): string {
    return this.iso(new Date(hubNow()));
  }

  /** The wall time in the fleet's zone, 05:30. */
  wall(at: string | Date): string {
    return new Intl.DateTimeFormat('en-GB', { timeZone: this.zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(at));
  }

  /** The instant of a day's wall time in the fleet's zone. */
  instant(day: string, time: string): Date {
    const guess = Date.parse(`${day}T${time.length === 5 ? `${time}:00` : time}Z`);
    const shown = Date.parse(`${this.iso(new Date(guess))}T${this.wall(new Date(guess))}:00Z`);
    return new Date(guess - (shown - Math.floor(guess / 60_000) * 60_000));
  }
}

export function useClock(): Clock {
  const { zone } = useMe();
  return useMemo(() => new Clock(zone), [zone]);
}

/** The hub's time, looked at some times a minute: what is near, and today, change while a page lies open. */
export function useMinute(): number {
  return useSteps(10_000);
}

/** The hub's time in steps of a second. */
export function useTick(): number {
  return useSteps(1000);
}

function useSteps(ms: number): number {
  const [now, setNow] = useState(hubNow);
  useEffect(() => {
    const tick = setInterval(() => setNow(hubNow()), ms);
    return () => clearInterval(tick);
  }, [ms]);
  return now;
}

/** A day some days later, in the calendar alone. */
export function addDays(day: string, days: number): string {
  const t = new Date(`${day}T00:00:00Z`);
  t.setUTCDate(t.getUTCDate() + days);
  return t.toISOString().slice(0, 10);
}

/** 24/11/2026 of 2026-11-24 */
export function written(day: string): string {
  return day.split('-').reverse().join('/');
}

/** 3:07, or 1:02:07 */
export function length(ms: number): string {
  const s = Math.round(ms / 1000);
  const two = (n: number) => String(n).padStart(2, '0');
  const h = Math.floor(s / 3600);
  const m = Math.floor(s / 60) % 60;
  return h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

/** A number as the language writes it: -18,1 */
export function number(n: number, digits = 0): string {
  return new Intl.NumberFormat(i18n.language === 'en' ? 'en-GB' : 'vi-VN', { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(n);
}
