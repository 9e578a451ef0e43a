// One way of taking a stream of small packages apart, in a process of its own.
import { PackageDecoder } from '../../dist/esm/tcp/index.js';
import { median } from '../statistics.mjs';
import { chunksOf } from './chunks.mjs';
import { LeanDecoder } from './lean-decoder.mjs';

const [name, , most, effort] = process.argv.slice(2);
const PATTERN = 16 * 2 ** 20;
/** A gibibyte in all, in so many samples. */
const SAMPLES = { full: { samples: 8, times: 8 }, quick: { samples: 3, times: 2 } };

const make = {
  lean: () => new LeanDecoder(),
  decoder: () => new PackageDecoder(),
  'decoder, copies': () => new PackageDecoder({ copy: true }),
}[name];

const { chunks, count } = chunksOf(PATTERN, Number(most));

/** Packages per second of CPU time: nothing is waited for, and the machine may be busy with other things. */
function pace(times) {
  const decoder = make();
  let packages = 0;
  let bytes = 0;
  const begun = process.cpuUsage();
  for (let time = 0; time < times; time += 1) {
    for (const chunk of chunks) {
      for (const { length } of decoder.push(chunk)) {
        packages += 1;
        bytes += length;
      }
    }
  }
  const { user, system } = process.cpuUsage(begun);
  const seconds = (user + system) / 1e6;
  if (packages !== count * times || bytes !== packages * 64)
    throw new Error(`${packages} packages have come`);
  return packages / seconds;
}

pace(2);
const { samples, times } = SAMPLES[effort];
const rates = Array.from({ length: samples }, () => pace(times));
process.stdout.write(JSON.stringify({ rate: median(rates) }));
