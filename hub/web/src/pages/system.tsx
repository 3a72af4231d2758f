import { Badge, Card, Code, Group, Stack, Table, Text, Title } from '@mantine/core';
import { api, hubNow } from '../api/client';
import { put, useAdminWords } from '../i18n/admin';
import { Page } from '../parts/page';
import { Rows, Trouble } from '../parts/states';
import { useClock } from '../time';

const stale = 7; // days without a backup that are too many

export default function System() {
  const w = useAdminWords().system;
  const clock = useClock();
  const { data: s, error, refetch } = api.useQuery('get', '/system');
  const days = s?.backup ? Math.floor((hubNow() - Date.parse(s.backup)) / 86_400_000) : Infinity;
  return (
    <Page title={w.title} lead={w.lead}>
      <Trouble error={error} again={() => void refetch()} />
      {!s && !error && <Rows n={4} />}
      {s && (
        <Stack>
          <Card>
            <Group mb="xs">
              <Title order={2} size="h3">{w.backup}</Title>
              <Badge color={!s.backup ? 'red' : days > stale ? 'yellow' : 'green'}>{!s.backup ? w.never : days > stale ? put(w.old, { n: days }) : w.fresh}</Badge>
            </Group>
            {s.backup && <Text size="sm">{put(w.last, { at: clock.both(s.backup), by: s.backup_by ?? '' })}</Text>}
            <Text size="sm" mt="xs">{w.how}</Text>
            <Code block mt={4} tabIndex={0}>loa-hub backup loa-{clock.today()}.tar</Code>
          </Card>
          <Card>
            <Title order={2} size="h3" mb="xs">{w.settings}</Title>
            <Table aria-label={w.settings}>
              <Table.Tbody>
                {[
                  [w.version, `loa-hub ${s.version}`],
                  [w.schema, String(s.schema)],
                  [w.zone, s.zone],
                  [w.url, s.public_url || w.nourl],
                  [w.tls, s.tls ? w.tlson : w.tlsoff],
                ].map(([name, value]) => (
                  <Table.Tr key={name}>
                    <Table.Th scope="row" w="40%">{name}</Table.Th>
                    <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
            <Text size="sm" c="dimmed" mt="xs">{w.settingshint}</Text>
          </Card>
        </Stack>
      )}
    </Page>
  );
}
