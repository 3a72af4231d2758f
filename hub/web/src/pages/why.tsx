import { Badge, Button, Card, Group, Select, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import { IconMoodEmpty, IconVolume, IconVolumeOff } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation, useSearch } from 'wouter';
import { api, hubNow, type Schemas } from '../api/client';
import { useAgentList, useAreaNames } from '../parts/areas';
import { DayInput, TimeInput } from '../parts/inputs';
import { Page } from '../parts/page';
import { Empty, Rows, Trouble } from '../parts/states';
import { useClock } from '../time';

type Contender = Schemas['Contender'];

export default function Why() {
  const { t } = useTranslation();
  const clock = useClock();
  const area = useAreaNames();
  const { data: agents, error, refetch } = useAgentList();
  const [, go] = useLocation();
  const query = new URLSearchParams(useSearch());
  const asked = { agent: query.get('agent') ?? '', at: query.get('at') ?? '' };
  const start = asked.at || new Date(hubNow()).toISOString();
  const [agent, setAgent] = useState(asked.agent);
  const [day, setDay] = useState(clock.iso(start));
  const [time, setTime] = useState(clock.exact(start));
  return (
    <Page title={t('why.title')} lead={t('why.lead')}>
      <Trouble error={error} again={() => void refetch()} />
      {!agents ? (
        !error && <Rows n={1} />
      ) : agents.length === 0 ? (
        <Card>
          <Empty icon={<IconMoodEmpty size={44} stroke={1.3} />} title={t('why.noagents')} hint={t('why.noagentshint')} />
        </Card>
      ) : (
        <Card>
          <form
            onSubmit={(e) => {
              e.preventDefault();
              go(`/why?agent=${agent}&at=${encodeURIComponent(`${day}T${time.length === 5 ? `${time}:00` : time}`)}`);
            }}
          >
            <Group align="flex-end" gap="sm">
              <Select label={t('why.agent')} data={agents.map((a) => ({ value: a.id, label: `${a.name} · ${area(a.area)}` }))} value={agent || null} onChange={(v) => setAgent(v ?? '')} searchable limit={200} required withAsterisk={false} flex={{ base: '1 1 100%', sm: '1 1 260px' }} />
              <DayInput label={t('common.date')} value={day} onChange={setDay} required />
              <TimeInput label={t('common.time')} value={time} onChange={setTime} required />
              <Button type="submit" disabled={!agent || !day}>
                {t('why.ask')}
              </Button>
            </Group>
          </form>
        </Card>
      )}
      {asked.agent && <Answer agent={asked.agent} at={asked.at} />}
    </Page>
  );
}

function Answer({ agent, at }: { agent: string; at: string }) {
  const { t } = useTranslation();
  const clock = useClock();
  const { data, error, refetch } = api.useQuery('get', '/agents/{id}/why', { params: { path: { id: agent }, query: { at: at || undefined } } });
  if (!data) return error ? <Trouble error={error} again={() => void refetch()} /> : <Rows n={3} />;
  return (
    <Stack aria-live="polite">
      <Group gap="sm">
        <ThemeIcon size={44} radius="xl" variant="light" color={data.winner ? 'loa' : 'gray'}>
          {data.winner ? <IconVolume size={24} /> : <IconVolumeOff size={24} />}
        </ThemeIcon>
        <div>
          <Text c="dimmed" size="sm">
            {t('why.at', { at: `${clock.exact(data.at)}, ${clock.date(data.at)}` })}
          </Text>
          <Title order={2}>{data.winner ? t('why.plays', { title: data.winner.title }) : t('why.silent')}</Title>
          {!data.winner && <Text size="sm">{data.silence ? t(`reason.${data.silence as 'late'}`, { defaultValue: data.silence }) : data.losers.length === 0 && t('why.nothing')}</Text>}
        </div>
      </Group>
      {data.winner && <One c={data.winner} won />}
      {data.losers.map((c) => (
        <One key={c.slot} c={c} />
      ))}
    </Stack>
  );
}

function One({ c, won }: { c: Contender; won?: boolean }) {
  const { t } = useTranslation();
  const clock = useClock();
  return (
    <Card>
      <Group justify="space-between" gap="xs">
        <Text fw={600}>{c.title}</Text>
        <Badge color={won ? 'green' : 'gray'}>{t(won ? 'why.won' : 'why.lost')}</Badge>
      </Group>
      <Text size="sm">
        {clock.exact(c.start)}–{clock.exact(c.end)} · {t(`class.${c.class as 'normal'}`)}
        {c.reason ? ` · ${t(`reason.${c.reason as 'late'}`, { defaultValue: c.reason })}` : ''}
      </Text>
      <Text size="xs" c="dimmed">
        {t(c.recorded ? 'why.recorded' : 'why.planned')}
      </Text>
    </Card>
  );
}
