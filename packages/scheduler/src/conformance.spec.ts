import { Scheduler } from '@regrain/core-ir';
import { conformsTo } from '@regrain/testkit/conformance';
import { AnnealScheduler, annealOptions } from './anneal.js';
import { BeamScheduler, beamOptions } from './beam.js';
import { CriticalPathScheduler } from './critical-path.js';
import { ExactScheduler, exactOptions } from './exact.js';
import { LocalityScheduler, localityOptions } from './locality.js';
import { MinPeakScheduler, minPeakOptions } from './min-peak.js';
import { ProgramOrderScheduler } from './program-order.js';

conformsTo(Scheduler, () => new ProgramOrderScheduler());
conformsTo(Scheduler, () => new CriticalPathScheduler());
conformsTo(Scheduler, () => new LocalityScheduler(localityOptions.parse({})));
conformsTo(Scheduler, () => new MinPeakScheduler(minPeakOptions.parse({})));
conformsTo(Scheduler, () => new BeamScheduler(beamOptions.parse({ width: 4 })));
conformsTo(Scheduler, () => new AnnealScheduler(annealOptions.parse({ moves: 200 })));
conformsTo(Scheduler, () => new ExactScheduler(exactOptions.parse({ states: 500 })));
