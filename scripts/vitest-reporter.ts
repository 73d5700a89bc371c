import type { Reporter, TestModule } from 'vitest/node';

/**
 * Ends a run with the list of what did not run (tests whose real data, or whose Redis or Chromium, is not on this machine) and with one
 * line that scripts can read. Where the data must be present (`PROJ_REQUIRE_DATA=1`) a skipped test fails the run.
 */
export default class SkippedTests implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0 };
    const skipped: string[] = [];
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'pending') continue;
        count[state]++;
        if (state === 'skipped') skipped.push(`${module.relativeModuleId}: ${test.fullName}`);
      }
      if (module.state() === 'failed' && [...module.children.allTests()].length === 0) count.failed++;
    }
    if (skipped.length > 0) {
      console.log(
        `\nDid not run (${skipped.length}); real data and weights are looked for in PROJ_DATA_DIR, redis-server and chromium in PATH:`,
      );
      for (const name of skipped) console.log(`  - ${name}`);
      if (process.env['PROJ_REQUIRE_DATA'] === '1') {
        console.log('PROJ_REQUIRE_DATA=1: every test must run here.');
        process.exitCode = 1;
      }
    }
    console.log(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
  }
}
