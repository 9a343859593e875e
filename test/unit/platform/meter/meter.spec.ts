import { afterEach, describe, expect, it } from 'vitest';
import { expose } from '../../../../src/platform/meter/exposition.js';
import { count, measureWith, observe, reading, readNow } from '../../../../src/platform/meter/meter.js';
import { METRICS, type MetricDefinition } from '../../../../src/platform/meter/metric-table.js';
import { processValues } from '../../../../src/platform/meter/process-values.js';
import { Series } from '../../../../src/platform/meter/series.js';

afterEach(() => measureWith(null));

async function lines(series: Series, metric: string): Promise<string[]> {
  const text = await expose(series, processValues());
  return text.split('\n').filter((line) => line.startsWith(metric));
}

describe('the meter', () => {
  it('measures nothing until it is told where to', async () => {
    const series = new Series();
    count('bmc_commands_total', { outcome: 'answered' });
    measureWith(series);
    count('bmc_commands_total', { outcome: 'answered' });
    count('bmc_commands_total', { outcome: 'answered' }, 2);
    measureWith(null);
    count('bmc_commands_total', { outcome: 'answered' });
    expect(await lines(series, 'ferric_bmc_commands_total')).toEqual([
      'ferric_bmc_commands_total{outcome="answered"} 3',
    ]);
  });

  it('has histograms whose buckets count all that is below them, up to and with the bound', async () => {
    const series = new Series();
    measureWith(series);
    for (const seconds of [0.1, 0.1000001, 0.25, 59, 61]) {
      observe('bmc_command_duration_seconds', { outcome: 'answered' }, seconds);
    }
    const of = (await lines(series, 'ferric_bmc_command_duration_seconds')).map(
      (line) => /(?:le="([^"]+)"|_(sum|count)\{).*? ([^ ]+)$/.exec(line)?.slice(1) as string[],
    );
    const at = Object.fromEntries(of.map(([le, other, value]) => [le ?? other, Number(value)]));
    expect(at).toMatchObject({ 0.1: 1, 0.25: 3, 30: 3, 60: 4, '+Inf': 5, count: 5 });
    expect(at['sum']).toBeCloseTo(120.4500001, 6);
  });

  it('shows a counter without labels as 0 before anything was counted', async () => {
    expect(await lines(new Series(), 'ferric_tftp_bytes_total')).toEqual(['ferric_tftp_bytes_total 0']);
  });

  it('escapes what stands in labels: nothing of it begins a line of its own', async () => {
    const series = new Series();
    measureWith(series);
    count('periodic_runs_total', { task: 'a"\\\n# TYPE x counter\nx 1', outcome: '\ud800' });
    const text = await expose(series, processValues());
    expect(text).toContain(
      'ferric_periodic_runs_total{task="a\\"\\\\\\n# TYPE x counter\\nx 1",outcome="\ufffd"} 1\n',
    );
    expect(text.split('\n').filter((line) => line.startsWith('x '))).toEqual([]);
  });

  it('counts what goes beyond the limit of a metric as other: labels cannot eat the memory', async () => {
    const series = new Series(10);
    measureWith(series);
    for (let i = 0; i < 10_000; i++)
      count('periodic_runs_total', { task: `task ${i}`, outcome: 'succeeded' });
    const shown = await lines(series, 'ferric_periodic_runs_total');
    expect(shown).toHaveLength(11);
    expect(shown).toContain('ferric_periodic_runs_total{task="other",outcome="other"} 9990');
    expect(await lines(series, 'ferric_metrics_series_refused_total')).toEqual([
      'ferric_metrics_series_refused_total{metric="periodic_runs_total"} 9990',
    ]);
  });

  it('reads gauges when it is asked, of all who know one, until they end', () => {
    let value = 1;
    const ends = [
      reading('tftp_sessions', () => [{ labels: {}, value }]),
      reading('tftp_sessions', () => [{ labels: {}, value: 10 }]),
    ];
    expect(readNow('tftp_sessions')).toEqual([{ labels: {}, value: 11 }]);
    value = 2;
    expect(readNow('tftp_sessions')).toEqual([{ labels: {}, value: 12 }]);
    for (const end of ends) end();
    expect(readNow('tftp_sessions')).toEqual([]);
  });
});

it('every metric follows the rules of names, and no label is one that grows with the fleet', () => {
  for (const [name, { type, labels, buckets }] of Object.entries<MetricDefinition>(METRICS)) {
    expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
    expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
    expect([name, buckets !== undefined]).toEqual([name, type === 'histogram']);
    expect(buckets?.toSorted((a, b) => a - b)).toEqual(buckets);
    for (const label of labels)
      expect(['node', 'uuid', 'user', 'mac', 'ip', 'path']).not.toContain(name === 'build_info' ? '' : label);
  }
});
