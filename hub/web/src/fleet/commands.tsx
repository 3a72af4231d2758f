import { Alert, Button, Card, Group, Slider, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconFileText, IconPlayerPlay, IconRefresh, IconReload, IconVolume } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client';
import { words } from '../i18n/fleet';
import { complain, say } from '../parts/notify';

const known = ['TONE_PROGRAMME', 'TONE_FORBIDDEN', 'TONE_ON', 'CARD_MISSING', 'RESTART_UNMANAGED', 'COMMAND_BUSY'];

type Do = 'tone' | 'restart' | 'recheck' | 'log';

/** What an admin may ask of one PC: sealed orders, answered at once. */
export function Commands({ id, online, onLog }: { id: string; online: boolean; onLog: (lines: string[]) => void }) {
  const { t } = useTranslation(words);
  const [percent, setPercent] = useState(80);
  const [why, setWhy] = useState('');
  const [sure, setSure] = useState(false);
  const [refused, setRefused] = useState('');
  const path = { path: { id } };
  const command = api.useMutation('post', '/agents/{id}/commands', { onError: complain });
  const decide = api.useMutation('post', '/agents/{id}/decisions', { onError: complain, onSuccess: () => say(t('agent.volumedone', { n: percent })) });
  const order = (what: Do) =>
    command.mutate(
      { params: path, body: { do: what } },
      {
        onSuccess: ({ code, log }) => {
          setRefused(code);
          setSure(false);
          if (code) return;
          say(t(`agent.done.${what}`));
          if (what === 'log') onLog(log);
        },
      },
    );
  const busy = (what: Do) => command.isPending && command.variables.body.do === what;
  return (
    <Card component="section" aria-label={t('agent.commands')}>
      <Title order={2} mb="xs">
        {t('agent.commands')}
      </Title>
      <Stack gap="sm">
        {!online && <Text c="dimmed">{t('agent.offline')}</Text>}
        <Group gap="xs">
          <Button variant="default" disabled={!online} loading={busy('tone')} leftSection={<IconPlayerPlay size={18} />} onClick={() => order('tone')}>
            {t('agent.tone')}
          </Button>
          <Button variant="default" disabled={!online} loading={busy('recheck')} leftSection={<IconRefresh size={18} />} onClick={() => order('recheck')}>
            {t('agent.recheck')}
          </Button>
          <Button variant="default" disabled={!online} loading={busy('log')} leftSection={<IconFileText size={18} />} onClick={() => order('log')}>
            {t('agent.getlog')}
          </Button>
          <Button variant="default" disabled={!online} leftSection={<IconReload size={18} />} onClick={() => setSure(true)} aria-expanded={sure}>
            {t('agent.restart')}…
          </Button>
        </Group>
        {sure && (
          <Alert color="yellow" title={t('agent.restartsure')} withCloseButton closeButtonLabel={t('common.cancel')} onClose={() => setSure(false)}>
            <Button size="xs" loading={busy('restart')} onClick={() => order('restart')}>
              {t('agent.sure')}
            </Button>
          </Alert>
        )}
        {refused && (
          <Alert color="red" role="alert" title={known.includes(refused) ? t(`agent.code.${refused}`) : t('agent.code.other', { code: refused })} />
        )}
        <div>
          <Text fw={500} size="sm" id="volume-label">
            {t('agent.volume')}: {percent}%
          </Text>
          <Group gap="md" wrap="nowrap">
            <Slider flex={1} min={10} max={100} step={5} value={percent} onChange={setPercent} label={null} thumbProps={{ 'aria-labelledby': 'volume-label' }} />
            <Button variant="default" disabled={!why.trim()} loading={decide.isPending} leftSection={<IconVolume size={18} />} onClick={() => decide.mutate({ params: path, body: { kind: 'volume', percent, reason: why } })}>
              {t('agent.setvolume')}
            </Button>
          </Group>
          <TextInput label={t('agent.volumewhy')} maxLength={500} value={why} onChange={(e) => setWhy(e.currentTarget.value)} />
        </div>
      </Stack>
    </Card>
  );
}
