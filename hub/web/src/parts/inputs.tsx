import { TextInput } from '@mantine/core';
import { DateInput, DatesProvider } from '@mantine/dates';
import '@mantine/dates/styles.css';
import 'dayjs/locale/vi';
import { useTranslation } from 'react-i18next';
import { addDays } from '../time';

/** A day as Vietnamese write it, 24/11/2026, whatever the browser's language; its value is 2026-11-24. */
export function DayInput({ label, value, onChange, required, min, max, clearable }: { label: string; value: string; onChange: (day: string) => void; required?: boolean; min?: string; max?: string; clearable?: boolean }) {
  const { t, i18n } = useTranslation();
  return (
    <DatesProvider settings={{ locale: i18n.language === 'en' ? 'en' : 'vi', firstDayOfWeek: 1 }}>
      <DateInput
        label={label} value={value || null} onChange={(v) => onChange(v ?? '')} valueFormat="DD/MM/YYYY" placeholder="24/11/2026" required={required} withAsterisk={false} minDate={min} maxDate={max || undefined}
        clearable={clearable} clearButtonProps={{ 'aria-label': t('common.remove', { what: label }) }} miw={140} dateParser={parse} popoverProps={{ withinPortal: true }}
      />
    </DatesProvider>
  );
}

function parse(text: string): string | null {
  const m = /^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})$/.exec(text.trim());
  if (!m) return null;
  const day = `${m[3]}-${m[2]?.padStart(2, '0')}-${m[1]?.padStart(2, '0')}`;
  return addDays(day, 0) === day ? day : null; // 31/02 would be the 3rd of March
}

/** A time of the day in 24 hours, 05:30 or 05:30:15. A browser's own field follows its language, not ours. */
export function TimeInput({ label, value, onChange, required, error }: { label: string; value: string; onChange: (time: string) => void; required?: boolean; error?: string }) {
  return (
    <TextInput label={label} value={value} onChange={(e) => onChange(e.currentTarget.value)} placeholder="05:30" inputMode="numeric" pattern="([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?" required={required} withAsterisk={false} error={error} w={120} maxLength={8} autoComplete="off" />
  );
}

export const timePattern = /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$/;
