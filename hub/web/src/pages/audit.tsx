import { Alert, Button, Code, Drawer, Group, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { IconListSearch, IconShieldCheck, IconShieldX } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { http, type Schemas } from '../api/client';
import { useList } from '../api/list';
import { put, useAdminWords } from '../i18n/admin';
import { useAgentNames, useAreaNames } from '../parts/areas';
import { DayInput } from '../parts/inputs';
import { complain } from '../parts/notify';
import { Page } from '../parts/page';
import { Empty, Listed } from '../parts/states';
import { addDays, number, useClock } from '../time';

type Entry = Schemas['AuditEntry'];
type State = Schemas['AuditState'];

export default function Audit() {
  const w = useAdminWords().audit;
  const { t } = useTranslation();
  const clock = useClock();
  const area = useAreaNames();
  const agent = useAgentNames();
  const [who, setWho] = useState('');
  const [action, setAction] = useState('');
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [shown, setShown] = useState<Entry>();
  const [state, setState] = useState<State>();
  const [checking, setChecking] = useState(false);
  const query = { who: who.trim() || undefined, action: action || undefined, from: from ? `${from}T00:00:00` : undefined, to: to ? `${addDays(to, 1)}T00:00:00` : undefined, limit: 50 };
  const list = useList('/audit', query, (cursor, signal) => http.GET('/audit', { params: { query: { ...query, cursor } }, signal }));
  const person = (name: string) => (name.startsWith('agent:') ? agent(name.slice(6)) : name);
  const verify = async () => {
    setChecking(true);
    const { data, error } = await http.GET('/audit/verify');
    setChecking(false);
    if (data) setState(data);
    else complain(error);
  };
  return (
    <Page
      title={w.title}
      lead={w.lead}
      actions={
        <Button variant="default" leftSection={<IconShieldCheck size={18} />} loading={checking} onClick={() => void verify()}>
          {w.verify}
        </Button>
      }
    >
      {state && (
        <Alert color={state.whole ? 'green' : 'red'} icon={state.whole ? <IconShieldCheck size={20} /> : <IconShieldX size={20} />} title={state.whole ? put(w.whole, { n: number(state.lines), at: clock.both(state.at) }) : w.broken} role={state.whole ? 'status' : 'alert'}>
          {state.faults.map((f) => <Text key={f} size="sm">{f}</Text>)}
        </Alert>
      )}
      <Group gap="sm" align="flex-end">
        <TextInput label={w.who} value={who} onChange={(e) => setWho(e.currentTarget.value)} w={170} maxLength={100} />
        <Select label={w.action} w={200} value={action} onChange={(v) => setAction(v ?? '')} allowDeselect={false} data={[{ value: '', label: w.all }, ...Object.entries(w.groups).map(([value, label]) => ({ value, label }))]} />
        <DayInput label={t('common.from')} value={from} max={to} onChange={setFrom} clearable />
        <DayInput label={t('common.to')} value={to} min={from} onChange={setTo} clearable />
      </Group>
      <Listed list={list} empty={list.items.length === 0 && <Empty icon={<IconListSearch size={44} stroke={1.3} />} title={w.empty} hint={w.emptyhint} />}>
        <Table className="stack" aria-label={w.title}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{w.action}</Table.Th>
              <Table.Th>{w.who}</Table.Th>
              <Table.Th>{w.at}</Table.Th>
              <Table.Th>{w.area}</Table.Th>
              <Table.Th />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {list.items.map((e) => (
              <Table.Tr key={e.id} data-line={e.id}>
                <Table.Td>
                  {w.groups[e.action.split('.')[0] as 'report'] ?? e.action.split('.')[0]}
                  <Text size="xs" c="dimmed">{e.action}</Text>
                </Table.Td>
                <Table.Td>
                  {person(e.who)}
                  <Text size="xs" c="dimmed">{e.from === 'console' ? w.console : e.from}</Text>
                </Table.Td>
                <Table.Td style={{ whiteSpace: 'nowrap' }}>{clock.exact(e.at)}<Text size="xs" c="dimmed">{clock.date(e.at)}</Text></Table.Td>
                <Table.Td>{e.area ? area(e.area) : t('common.everywhere')}</Table.Td>
                <Table.Td>
                  <Button size="compact-sm" variant="default" aria-label={`${w.details}: ${e.action} ${e.id}`} onClick={() => setShown(e)}>{w.details}</Button>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Listed>
      {list.hasNextPage && (
        <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t('common.more')}
        </Button>
      )}
      {shown && (
        <Drawer opened onClose={() => setShown(undefined)} position="right" size="lg" title={`${shown.action} · ${shown.id}`} closeButtonProps={{ 'aria-label': w.close }}>
          <Stack>
            <Text size="sm">{person(shown.who)}, {clock.both(shown.at)}</Text>
            <Text size="sm" style={{ overflowWrap: 'anywhere' }}>{w.subject}: {shown.subject}</Text>
            {shown.before !== undefined && <div><Text size="sm" fw={600}>{w.before}</Text><Code block tabIndex={0}>{JSON.stringify(shown.before, null, 2)}</Code></div>}
            {shown.after !== undefined && <div><Text size="sm" fw={600}>{w.after}</Text><Code block tabIndex={0}>{JSON.stringify(shown.after, null, 2)}</Code></div>}
            <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>SHA-256 {shown.hash}</Text>
          </Stack>
        </Drawer>
      )}
    </Page>
  );
}
