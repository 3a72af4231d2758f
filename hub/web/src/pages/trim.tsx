import { Alert, Button, Group, Modal, NumberInput, RangeSlider, SimpleGrid, Stack, Text } from '@mantine/core';
import { IconEar, IconMapPin, IconScissors } from '@tabler/icons-react';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type WaveSurfer from 'wavesurfer.js';
import { api, type Report } from '../api/client';
import { say } from '../parts/notify';
import { Player } from '../parts/player';
import { Trouble } from '../parts/states';
import { number } from '../time';

const least = 500; // ms that a cut leaves
const listen = 3; // seconds at an end

/**
 * Cuts both ends of an audio, by ear, before anything is saved. What is cut stays in the version before. Somebody's approval
 * or new audio meanwhile is said above the button, so that it is not overwritten unseen and the marks are not lost by it.
 */
export default function Trim({ r, version, duration, close }: { r: Report; version: number; duration: number; close: () => void }) {
  const { t } = useTranslation();
  const wave = useRef<WaveSurfer>(undefined);
  const [[from, to], setKept] = useState<[number, number]>([0, duration]);
  const trim = api.useMutation('post', '/reports/{id}/trim', {
    onSuccess: () => {
      say(t('trim.begun'));
      close();
    },
  });
  const set = (a: number, b: number) => {
    const end = Math.min(duration, Math.max(least, Math.round(b)));
    setKept([Math.max(0, Math.min(Math.round(a), end - least)), end]);
  };
  const play = (a: number, b: number) => void wave.current?.play(a / 1000, b / 1000);
  const here = () => (wave.current?.getCurrentTime() ?? 0) * 1000;
  const end = (which: 'from' | 'to') => (
    <Group gap="xs" align="flex-end" wrap="nowrap">
      <NumberInput
        label={t(`trim.${which}`)} value={(which === 'from' ? from : to) / 1000} min={0} max={duration / 1000} step={0.1} decimalScale={2} decimalSeparator="," suffix=" s" flex={1}
        onChange={(v) => typeof v === 'number' && (which === 'from' ? set(v * 1000, to) : set(from, v * 1000))}
      />
      <Button variant="default" leftSection={<IconMapPin size={16} />} onClick={() => (which === 'from' ? set(here(), to) : set(from, here()))}>
        {t('trim.here')}
      </Button>
    </Group>
  );
  const whole = from === 0 && to === duration && version === r.audio_version;
  return (
    <Modal opened onClose={close} title={t('trim.title', { n: version })} size="xl" closeButtonProps={{ 'aria-label': t('common.close') }}>
      <Stack>
        <Text size="sm">{t('trim.lead')}</Text>
        <Player report={r.id} version={version} duration={duration} title={r.title} kept={[from, to]} onWave={(w) => (wave.current = w)} />
        <RangeSlider value={[from / 1000, to / 1000]} onChange={([a, b]) => set(a * 1000, b * 1000)} min={0} max={duration / 1000} step={0.1} minRange={least / 1000} label={null} thumbFromLabel={t('trim.from')} thumbToLabel={t('trim.to')} />
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          {end('from')}
          {end('to')}
        </SimpleGrid>
        <Group gap="xs">
          <Button variant="light" leftSection={<IconEar size={16} />} onClick={() => play(from, to)}>
            {t('trim.all')}
          </Button>
          <Button variant="light" leftSection={<IconEar size={16} />} onClick={() => play(from, Math.min(to, from + listen * 1000))}>
            {t('trim.begin')}
          </Button>
          <Button variant="light" leftSection={<IconEar size={16} />} onClick={() => play(Math.max(from, to - listen * 1000), to)}>
            {t('trim.end')}
          </Button>
        </Group>
        <Text size="sm" role="status">
          {t('trim.left', { kept: number((to - from) / 1000, 1), start: number(from / 1000, 1), end: number((duration - to) / 1000, 1) })}
        </Text>
        <Alert color={r.state === 'approved' ? 'yellow' : 'blue'} p="xs">
          {t(r.state === 'approved' ? 'trim.approved' : 'trim.kept')}
        </Alert>
        {version !== r.audio_version && (
          <Alert color="yellow" p="xs">
            {t('trim.older', { n: r.audio_version })}
          </Alert>
        )}
        <Trouble error={trim.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t('common.cancel')}
          </Button>
          <Button
            leftSection={<IconScissors size={16} />} disabled={whole} loading={trim.isPending}
            onClick={() => trim.mutate({ params: { path: { id: r.id }, header: { 'If-Match': `"${r.version}"` } }, body: { from_ms: from, to_ms: to, base: version } })}
          >
            {t('trim.save')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
