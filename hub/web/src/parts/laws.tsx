import { Alert, List, Stack } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { addDays, useClock, written } from '../time';

type Law = Schemas['Law'];

const nameOf = (law: Law) => [law.title, law.number].filter(Boolean).join(' ');

/** The documents a report cites, each with when it is in force. */
export function Cited({ laws }: { laws: Law[] }) {
  const { t } = useTranslation();
  const span = ({ effective_from: from, valid_until: until }: Law) => (from || until ? `, ${t(`law.span.${from && until ? 'both' : from ? 'from' : 'until'}`, { from: from && written(from), until: until && written(until) })}` : '');
  return (
    <List size="sm" spacing={2} listStyleType="none">
      {laws.map((law, i) => (
        <List.Item key={i}>
          {nameOf(law)}
          {span(law)}
        </List.Item>
      ))}
    </List>
  );
}

/** What is wrong, or soon will be, with the laws that a report explains. */
export function LawTrouble({ laws }: { laws: Law[] }) {
  const { t } = useTranslation();
  const clock = useClock();
  const today = clock.today();
  const soon = addDays(today, 60);
  const words = laws.flatMap((law) => {
    const { effective_from: from = '', valid_until: until = '' } = law;
    const say = (what: 'expired' | 'ending' | 'early', day: string) => [{ what, text: t(`law.${what}`, { law: nameOf(law), at: written(day) }) }];
    if (until && until <= today) return say('expired', until);
    if (until && until <= soon) return say('ending', until);
    return from > today ? say('early', from) : [];
  });
  if (words.length === 0) return null;
  return (
    <Stack gap="xs">
      {words.map(({ what, text }) => (
        <Alert key={text} color={what === 'expired' ? 'red' : 'yellow'} icon={<IconAlertTriangle size={18} />} p="xs">
          {text}
        </Alert>
      ))}
    </Stack>
  );
}
