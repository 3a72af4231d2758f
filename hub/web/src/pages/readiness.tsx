import { Button, Card, Group, List, Progress, Select, Stack, Table, Text, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconAlertTriangle, IconBroadcastOff, IconCircleCheck } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, hubNow, type Schemas } from '../api/client';
import { AreaSelect, useAreaNames } from '../parts/areas';
import '../i18n/plan';
import { State } from '../parts/badges';
import { daypartName } from '../parts/dayparts';
import { Page } from '../parts/page';
import { Empty, Rows, Trouble } from '../parts/states';
import { useClock, useMinute } from '../time';

type Coming = Schemas['ComingView'];
type Agent = Schemas['AgentComing'];

/** One daypart, or one exact time, with everything in it. */
type Slot = { key: string; daypart?: string; start: string; end: string; titles: string[]; agents: Agent[] };

const order = ['missed', 'queued', 'receiving', 'verified', 'armed', 'playing', 'played'];

/** A cluster counts once in a daypart: by the broadcast it is least ready for. */
function slots(items: Coming[]): Slot[] {
  const byKey = new Map<string, Slot>();
  for (const c of items) {
    const key = c.daypart ? `${c.daypart} ${c.start.slice(0, 10)}` : `${c.broadcast} ${c.start}`;
    const slot = byKey.get(key) ?? { key, daypart: c.daypart, start: c.start, end: c.end, titles: [], agents: [] };
    if (c.start < slot.start) slot.start = c.start;
    if (c.end > slot.end) slot.end = c.end;
    if (!slot.titles.includes(c.title)) slot.titles.push(c.title);
    for (const a of c.agents) {
      const have = slot.agents.findIndex((x) => x.agent === a.agent);
      const worse = (x: Agent, y: Agent) => !!x.trouble !== !!y.trouble ? !!x.trouble : order.indexOf(x.state) < order.indexOf(y.state);
      if (have < 0) slot.agents.push(a);
      else if (worse(a, slot.agents[have]!)) slot.agents[have] = a;
    }
    byKey.set(key, slot);
  }
  return [...byKey.values()].sort((a, b) => a.start.localeCompare(b.start));
}

/** While audio is on its way, or a slot is near, the page asks more often than events come. */
function busy(items: Coming[]): boolean {
  const soon = hubNow() + 5 * 60_000;
  return items.some((c) => Date.parse(c.start) < soon || c.agents.some((a) => a.online && a.state === 'receiving'));
}

export default function Readiness() {
  const { t } = useTranslation();
  const [area, setArea] = useState('');
  const [hours, setHours] = useState(24);
  const { data, error, isPending, refetch } = api.useQuery('get', '/readiness', { params: { query: { area: area || undefined, hours } } }, { refetchInterval: ({ state }) => (busy(state.data?.items ?? []) ? 3000 : 30_000) });
  const list = useMemo(() => slots(data?.items ?? []), [data]);
  return (
    <Page title={t('readiness.title')}>
      <Group gap="sm">
        <AreaSelect value={area} onChange={setArea} />
        <Select aria-label={t('readiness.hours')} w={150} value={String(hours)} onChange={(v) => setHours(Number(v))} allowDeselect={false} data={[6, 24, 48].map((n) => ({ value: String(n), label: t('readiness.h', { n }) }))} />
      </Group>
      <Trouble error={error} again={() => void refetch()} />
      {isPending && !error && <Rows />}
      {data && list.length === 0 && (
        <Card>
          <Empty icon={<IconBroadcastOff size={44} stroke={1.3} />} title={t('readiness.empty')} hint={t('readiness.emptyhint')} />
        </Card>
      )}
      {list.map((s) => (
        <SlotCard key={s.key} s={s} />
      ))}
    </Page>
  );
}

function SlotCard({ s }: { s: Slot }) {
  const { t } = useTranslation();
  const clock = useClock();
  const now = useMinute();
  const [open, { toggle }] = useDisclosure();
  const bad = s.agents.filter((a) => a.trouble || a.state === 'missed');
  const ok = s.agents.length - bad.length;
  const left = Math.ceil((Date.parse(s.start) - now) / 60_000);
  const time = left >= 60 ? t('readiness.hmin', { h: Math.floor(left / 60), m: left % 60 }) : t('readiness.min', { m: left });
  return (
    <Card component="section" aria-label={s.titles.join(', ')}>
      <Group justify="space-between" align="flex-start" gap="xs">
        <div>
          <Title order={2}>
            {s.daypart ? daypartName(t, s.daypart) : t('readiness.exact')} {clock.range(s.start, s.end)}
          </Title>
          <Text size="sm" c="dimmed">
            {clock.day(s.start)} · {left > 0 ? t('readiness.left', { t: time }) : t('readiness.now')}
          </Text>
          <Text size="sm" lineClamp={4}>{s.titles.join(' · ')}</Text>
        </div>
        <Group gap={6}>
          {bad.length === 0 ? <IconCircleCheck size={22} color="var(--mantine-color-green-7)" aria-hidden /> : <IconAlertTriangle size={22} color="var(--mantine-color-orange-7)" aria-hidden />}
          <Text fw={600}>{t('readiness.summary', { ok, all: s.agents.length })}</Text>
        </Group>
      </Group>
      <Progress.Root size="lg" my="sm">
        <Progress.Section value={(100 * ok) / Math.max(1, s.agents.length)} color="green" aria-label={t('readiness.summary', { ok, all: s.agents.length })} />
        <Progress.Section value={(100 * bad.length) / Math.max(1, s.agents.length)} color="orange" aria-label={t('readiness.miss', { n: bad.length })} />
      </Progress.Root>
      {bad.length > 0 ? (
        <>
          <Text size="sm" fw={600}>
            {t('readiness.miss', { n: bad.length })}
          </Text>
          <List size="sm" spacing={2}>
            {bad.slice(0, 10).map((a) => (
              <List.Item key={a.agent}>
                <b>{a.name}</b>: <Because a={a} />
              </List.Item>
            ))}
            {bad.length > 10 && <List.Item>…</List.Item>}
          </List>
        </>
      ) : (
        <Text size="sm">{t('readiness.allok')}</Text>
      )}
      <Button mt="sm" size="compact-sm" style={{ alignSelf: 'flex-start' }} variant="subtle" onClick={toggle} aria-expanded={open}>
        {t(open ? 'readiness.less' : 'readiness.all')}
      </Button>
      {open && <All agents={s.agents} left={left > 0 ? t('plan:ready', { t: time }) : t('plan:playingnow')} />}
    </Card>
  );
}

function Because({ a }: { a: Agent }) {
  const { t } = useTranslation();
  const clock = useClock();
  if (!a.trouble) return <>{t(`state.ready.${a.state as 'armed'}`)}</>;
  if (a.trouble === 'offline' && !a.last_seen) return <>{t('readiness.never')}</>;
  return <>{t(`readiness.trouble.${a.trouble as 'audio'}`, { at: a.last_seen ? clock.both(a.last_seen) : '', n: a.percent })}</>;
}

function All({ agents, left }: { agents: Agent[]; left: string }) {
  const { t } = useTranslation();
  const area = useAreaNames();
  const [many, setMany] = useState(100);
  const counts = order.map((state) => ({ state, n: agents.filter((a) => a.state === state).length })).filter((c) => c.n > 0);
  return (
    <Stack mt="xs">
      <Group gap="xs">
        {counts.map((c) => (
          <Group key={c.state} gap={4}><Text size="sm">{c.n}</Text><State of="ready" is={c.state} /></Group>
        ))}
      </Group>
      <Table className="stack wide" aria-label={t('show.readiness')}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('common.agent')}</Table.Th>
            <Table.Th>{t('common.area')}</Table.Th>
            <Table.Th>{t('library.col.state')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {agents.slice(0, many).map((a) => (
            <Table.Tr key={a.agent}>
              <Table.Td>{a.name}</Table.Td>
              <Table.Td>{area(a.area)}</Table.Td>
              <Table.Td>
                <Group gap="xs">
                  <State of="ready" is={a.state} />
                  {['queued', 'receiving', 'verified'].includes(a.state) && (
                    <>
                      <Progress w={90} value={a.percent} aria-label={`${a.name}: ${a.percent}%`} />
                      <Text size="sm">{t('plan:percent', { n: a.percent })}</Text>
                    </>
                  )}
                  {!['playing', 'played', 'missed'].includes(a.state) && <Text size="sm" c="dimmed">{left}</Text>}
                </Group>
                {a.trouble && <Text size="sm"><Because a={a} /></Text>}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {agents.length > many && <Button size="compact-sm" variant="subtle" onClick={() => setMany(many + 200)}>{t('plan:more', { n: agents.length - many })}</Button>}
    </Stack>
  );
}
