import { Card, Group, Progress, Text, ThemeIcon } from '@mantine/core';
import { IconCheck, IconLoader2, IconPoint } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';

const stages = ['probe', 'measure', 'normalise', 'encode', 'verify'] as const;

/** How far the making of an audio is, stage by stage. */
export function Stages({ stage, progress, title }: { stage: string; progress: number; title?: string }) {
  const { t } = useTranslation();
  const at = stages.indexOf(stage as 'probe');
  return (
    <Card role="status" aria-label={t('state.report.processing')}>
      <Text fw={600}>{title ?? t('report.processing', { stage: t(`stage.${stage as 'probe'}`) })}</Text>
      <Progress value={progress} my="xs" size="lg" aria-label={t('state.report.processing')} />
      <Group gap="md" component="ol" p={0} m={0} mb="xs" style={{ listStyle: 'none' }}>
        {stages.map((s, i) => {
          const state = i < at ? 'done' : i === at ? 'now' : 'later';
          const Icon = { done: IconCheck, now: IconLoader2, later: IconPoint }[state];
          return (
            <Group key={s} gap={6} component="li" wrap="nowrap" aria-current={state === 'now' ? 'step' : undefined}>
              <ThemeIcon size="sm" radius="xl" variant={state === 'later' ? 'default' : 'filled'} color="loa.8">
                <Icon size={12} />
              </ThemeIcon>
              <Text size="sm" fw={state === 'now' ? 600 : 400}>
                {t(`stage.${s}`)}
                {state === 'now' && ` ${progress}%`}
              </Text>
            </Group>
          );
        })}
      </Group>
      <Text size="sm" c="dimmed">
        {t('report.processinghint')}
      </Text>
    </Card>
  );
}
