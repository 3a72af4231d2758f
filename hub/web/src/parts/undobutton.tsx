import { Button } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { IconArrowBackUp } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { complain, say } from './notify';
import { undo, useSteps } from './undo';

/** Takes back what was done last in the calendar; also by Ctrl+Z, outside of fields. */
export function Undo() {
  const { t } = useTranslation();
  const steps = useSteps();
  const last = steps.at(-1);
  const back = useMutation({
    mutationFn: undo,
    onSuccess: (step) => step && say(`${t('plan:undo.done', { what: step.what })}. ${step.back.kind === 'edit' || step.back.kind === 'create' ? t('plan:undo.again') : ''}`),
    onError: complain,
  });
  useHotkeys([['mod+z', () => last && !back.isPending && back.mutate()]]);
  return (
    <Button variant="default" leftSection={<IconArrowBackUp size={18} />} disabled={!last} loading={back.isPending} onClick={() => back.mutate()} title={last ? t('plan:undo.what', { what: last.what }) : t('plan:undo.none')}>
      {t('plan:undo.do')}
    </Button>
  );
}
