using GumbelGan.Storage;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Losses;
using GumbelGan.Training.Sweeps;
using Xunit;

namespace GumbelGan.Tests.Training.Sweeps;

public sealed class SweepPlanTests
{
    [Fact]
    public void A_grid_is_every_combination_times_every_seed_and_the_last_key_varies_fastest()
    {
        using var sweep = new TemporarySweep("seeds: [3, 5]\ngrid:\n  generator.hidden: [7, 8]\n  adversarial.loss: [hinge, relativistic]");
        SweepPlan plan = sweep.Plan;
        Assert.Equal(
            [
                (7, "hinge", 3L), (7, "hinge", 5L), (7, "relativistic", 3L), (7, "relativistic", 5L),
                (8, "hinge", 3L), (8, "hinge", 5L), (8, "relativistic", 3L), (8, "relativistic", 5L),
            ],
            plan.Runs.Select(run => (Hidden(run), run.Config.Adversarial.Loss.Name, run.Config.Seed)));
        Assert.Equal(Enumerable.Range(0, 8), plan.Runs.Select(run => run.Index));
        Assert.Equal("hidden=7,loss=hinge-seed3", plan.Runs[0].Name);
        Assert.Equal(Path.Combine(sweep.Output, "hidden=8,loss=relativistic-seed5"), plan.Runs[7].Folder);
        Assert.Equal(4, plan.Runs.Select(run => run.Config.Label).Distinct().Count());
        Assert.Equal("mle hidden=7,loss=hinge", plan.Runs[1].Config.Label);
    }

    [Theory]
    [InlineData("grid: { adversarial.batch_size: [16, 64] }\nrandom: { draws: 1, ranges: { adversarial.batch_size: { integer: [100, 200] } } }",
        "'adversarial.batch_size' is set in another part of the file too")]
    [InlineData("list: { small: { adversarial: { batch_size: 4 } } }\ngrid: { adversarial.batch_size: [16, 64] }",
        "'adversarial.batch_size' is set in another part of the file too")]
    [InlineData("list: {}", "'list' is empty")]
    public void What_says_two_things_or_nothing_is_refused(string settings, string says)
    {
        using var sweep = new TemporarySweep(settings);
        Assert.Contains(says, Assert.Throws<UserMistakeException>(() => sweep.Plan).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Named_settings_keep_their_names_may_nest_sections_and_are_combined_with_a_grid()
    {
        using var sweep = new TemporarySweep("""
            list:
              mle:
              wide: { objective: gumbel, adversarial: { loss: hinge, batch_size: 4 }, discriminator.filter_widths: [2, 4] }
            grid: { generator.hidden: [5, 6] }
            """);
        SweepPlan plan = sweep.Plan;
        Assert.Equal(["mle,hidden=5-seed1", "mle,hidden=6-seed1", "wide,hidden=5-seed1", "wide,hidden=6-seed1"], plan.Runs.Select(run => run.Name));
        Assert.Equal("wide,hidden=6", plan.Runs[3].Config.Label);
        Assert.Equal(("gumbel", 4, 6), (plan.Runs[3].Config.Objective.Name, plan.Runs[3].Config.Adversarial.BatchSize, Hidden(plan.Runs[3])));
        Assert.Equal(GameLoss.All.Single(loss => loss.Name == "hinge"), plan.Runs[3].Config.Adversarial.Loss);
    }

    [Fact]
    public void Random_settings_lie_in_their_ranges_and_depend_on_seed_key_and_number_alone()
    {
        const string Ranges = """
              ranges:
                adversarial.generator_learning_rate: { log_uniform: [1e-5, 1e-1] }
                temperature.initial: { uniform: [0.5, 2] }
                generator.hidden: { integer: [4, 7] }
                adversarial.loss: { choice: [hinge, relativistic] }
            """;
        using var sweep = new TemporarySweep($"random:\n  draws: 200\n{Ranges}");
        SweepRun[] runs = [.. sweep.Plan.Runs];
        Assert.Equal(200, runs.Length);
        Assert.All(runs, run =>
        {
            Assert.InRange(run.Config.Adversarial.GeneratorLearningRate, 1e-5, 1e-1);
            Assert.InRange(run.Config.Temperature.Initial, 0.5, 2);
        });
        Assert.Equal([4, 5, 6, 7], runs.Select(Hidden).Distinct().Order());
        Assert.Equal(2, runs.Select(run => run.Config.Adversarial.Loss.Name).Distinct().Count());

        // Half of a log-uniform range lies below its geometric mean, 1e-3; of 200 draws 100 with deviation 7. The mean of the other is 1.25.
        Assert.InRange(runs.Count(run => run.Config.Adversarial.GeneratorLearningRate < 1e-3), 72, 128);
        Assert.InRange(runs.Average(run => run.Config.Temperature.Initial), 1.25 - 0.13, 1.25 + 0.13);

        sweep.Write($"random:\n  draws: 3\n{Ranges}");
        Assert.Equal(runs.Take(3).Select(Drawn), sweep.Plan.Runs.Select(Drawn));
        sweep.Write("random:\n  draws: 3\n  ranges:\n    temperature.initial: { uniform: [0.5, 2] }");
        Assert.Equal(runs.Take(3).Select(run => run.Config.Temperature.Initial), sweep.Plan.Runs.Select(run => run.Config.Temperature.Initial));
        sweep.Write($"random:\n  draws: 3\n  seed: 2\n{Ranges}");
        Assert.Empty(runs.Take(3).Select(Drawn).Intersect(sweep.Plan.Runs.Select(Drawn)));

        static (double, double, int, string) Drawn(SweepRun run) => (run.Config.Adversarial.GeneratorLearningRate, run.Config.Temperature.Initial,
            Hidden(run), run.Config.Adversarial.Loss.Name);
    }

    [Theory]
    [InlineData("seds: [1]", "no key 'seds' in a sweep file; did you mean 'seeds'?")]
    [InlineData("objective: mle", "'objective' is a key of a run's configuration; write it below 'config:'")]
    [InlineData("seeds: [1, 1]", "'seeds' must hold one seed at least, and none twice")]
    [InlineData("seeds: [one]", "'seeds' must be a list of whole numbers, not 'one'")]
    [InlineData("recipe: nothing", "There is no recipe 'nothing'")]
    [InlineData("grid: { generator.hiden: [1] }", "there is no key 'generator.hiden'; did you mean 'generator.hidden'?")]
    [InlineData("grid: { generator.hidden: 1 }", "'grid.generator.hidden' must be a list of values")]
    [InlineData("grid: { generator.hidden: [0] }", "'generator.hidden' must be a whole number, at least 1")]
    [InlineData("grid: { seed: [1, 2] }", "the sweep sets 'seed' itself")]
    [InlineData("grid: { generator.hidden: [5, 5] }", "two settings would be called 'hidden=5'")]
    [InlineData("list: { a/b: { generator.hidden: 5 } }", "'a/b' names folders")]
    [InlineData("list: [1]", "'list' must hold lines such as name: { key: value }")]
    [InlineData("list: { a: { objective: gumble } }", "'objective' must be one of")]
    [InlineData("random: { draws: 2 }", "random draws need ranges")]
    [InlineData("random: { draws: 0, ranges: { temperature.initial: { uniform: [1, 2] } } }", "'draws' must be a whole number, at least 1")]
    [InlineData("random: { ranges: { temperature.initial: { uniform: [2, 1] } } }", "'temperature.initial' needs two numbers after uniform")]
    [InlineData("random: { ranges: { temperature.initial: { log_uniform: [0, 1] } } }", "the lower one first and above 0")]
    [InlineData("random: { ranges: { generator.hidden: { integer: [1.5, 3] } } }", "needs two whole numbers after integer")]
    [InlineData("random: { ranges: { generator.hidden: { unform: [1, 3] } } }", "no range 'unform' for 'generator.hidden'; did you mean 'uniform'?")]
    [InlineData("jobs: -1", "'jobs' must be a whole number")]
    public void A_mistake_in_the_file_is_told_in_a_sentence_that_names_the_key(string settings, string says)
    {
        using var sweep = new TemporarySweep(settings);
        UserMistakeException mistake = Assert.Throws<UserMistakeException>(() => sweep.Plan);
        Assert.Contains(says, mistake.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(sweep.Output));
    }

    [Fact]
    public void What_is_set_for_all_runs_wins_over_the_configuration_and_may_not_be_what_the_sweep_varies()
    {
        using var sweep = new TemporarySweep("grid: { generator.hidden: [5, 6] }");
        var plan = SweepPlan.Read(sweep.File, sweep.Output, [ConfigurationAssignment.Parse("adversarial.steps=77")]);
        Assert.Equal([77, 77], plan.Runs.Select(run => run.Config.Adversarial.Steps));
        Assert.Equal(["--output", sweep.Output, "--set", "adversarial.steps=77"], plan.Words);
        foreach (string varied in (string[])["generator.hidden=7", "seed=3", "label=x"])
        {
            UserMistakeException mistake = Assert.Throws<UserMistakeException>(
                () => SweepPlan.Read(sweep.File, sweep.Output, [ConfigurationAssignment.Parse(varied)]));
            Assert.Contains("the sweep varies", mistake.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_setting_that_no_run_could_begin_with_is_refused_before_the_first_is_started()
    {
        using var sweep =
            new TemporarySweep("list:\n  good: { objective: mle }\n  broken: { objective: gumbel, discriminator.filter_widths: [900] }");
        UserMistakeException mistake = Assert.Throws<UserMistakeException>(() => sweep.Plan.Check(CancellationToken.None));
        Assert.StartsWith("Setting broken: ", mistake.Message, StringComparison.Ordinal);
        Assert.Contains("filters of 900 tokens", mistake.Message, StringComparison.Ordinal);
    }

    private static int Hidden(SweepRun run) => ((GumbelGan.Generators.LstmGeneratorOptions)run.Config.Generator).Hidden;
}
