import { ActionIcon, Button, Chip, Fieldset, Group, Stack } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { weekdayName, weekdays, type Weekday } from './dayparts';
import { TimeInput, timePattern } from './inputs';

export function Weekdays({ value, onChange, size }: { value: Weekday[]; onChange: (days: Weekday[]) => void; size: 'sm' | 'md' }) {
  const { t } = useTranslation();
  return (
    <Chip.Group multiple value={value} onChange={(days) => onChange(weekdays.filter((d) => days.includes(d)))}>
      <Group gap={6}>
        {weekdays.map((d) => (
          <Chip key={d} value={d} size={size}>
            {weekdayName(t, d)}
          </Chip>
        ))}
      </Group>
    </Chip.Group>
  );
}

type Span = { start: string; end: string };
type Words = { title: string; add: string; start: string; end: string };

export const isSpan = (s: Span) => timePattern.test(s.start) && (timePattern.test(s.end) || s.end === '24:00');

/** Spans of the day, each with something of its own, which `more` edits. */
export function Spans<T extends Span>({ words, value, onChange, fresh, more }: { words: Words; value: T[]; onChange: (spans: T[]) => void; fresh: T; more: (span: T, set: (part: Partial<T>) => void) => ReactNode }) {
  const { t } = useTranslation();
  return (
    <Fieldset legend={words.title}>
      <Stack gap="xs" align="flex-start">
        {value.map((s, i) => {
          const set = (part: Partial<T>) => onChange(value.map((o, j) => (j === i ? { ...o, ...part } : o)));
          return (
            <Group key={i} align="flex-end" gap="sm">
              <TimeInput label={words.start} value={s.start} onChange={(start) => set({ start } as Partial<T>)} />
              <TimeInput label={words.end} value={s.end} onChange={(end) => set({ end } as Partial<T>)} />
              {more(s, set)}
              <ActionIcon variant="default" size={36} aria-label={t('common.remove', { what: `${s.start}–${s.end}` })} onClick={() => onChange(value.filter((_, j) => j !== i))}>
                <IconX size={18} />
              </ActionIcon>
            </Group>
          );
        })}
        <Button size="compact-sm" variant="default" leftSection={<IconPlus size={16} />} onClick={() => onChange([...value, fresh])}>
          {words.add}
        </Button>
      </Stack>
    </Fieldset>
  );
}
