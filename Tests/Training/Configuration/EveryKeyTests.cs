using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using GumbelGan.Cli;
using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Tests.Cli;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;
using TorchSharp;
using Xunit;

namespace GumbelGan.Tests.Training.Configuration;

/// <summary>
/// Every key at its bounds, beyond them, and of the wrong type: the run is trained, or refused in one sentence before there is a folder.
/// </summary>
public sealed class EveryKeyTests : IDisposable
{
    private readonly TemporaryRun _run = new(lines: 60);

    private static readonly string[] _tiny =
    [
        "threads=1", "data.validation_fraction=0.2", "data.test_fraction=0.2", "generator.embedding=4", "generator.hidden=4",
        "discriminator.embedding=4", "pretraining.epochs=1", "pretraining.batch_size=16", "adversarial.steps=2", "adversarial.batch_size=4",
        "adversarial.discriminator_warm_up_steps=1", "recording.evaluate_every=2", "recording.samples=2", "recording.bleu_samples=4",
        "reinforce.roll_outs=2",
    ];

    [Fact]
    public void Every_key_at_every_extreme_passes_the_check_or_is_refused_in_a_sentence()
    {
        int accepted = 0, refused = 0;
        foreach ((string path, ConfigurationProperty property, string[] needs) in Keys())
        {
            foreach (string value in Extremes(property).Distinct())
            {
                ProgramRun checkedOnly = Train([.. needs, $"{path}={value}"], "--dry-run");
                _ = HasEndedWell(checkedOnly, $"{path}={value}") ? accepted++ : refused++;
            }
        }

        Assert.InRange(accepted, 100, 1000);
        Assert.InRange(refused, 300, 5000);
    }

    [Fact]
    public void What_passes_the_check_at_the_lower_end_or_by_choice_trains_to_the_end()
    {
        foreach ((string path, ConfigurationProperty property, string[] needs) in Keys())
        {
            foreach (string value in Small(property).Distinct())
            {
                string[] assignments = [.. needs, $"{path}={value}"];
                ProgramRun checkedOnly = Train(assignments, "--dry-run"), trained = Train(assignments);
                Assert.True(checkedOnly.ExitCode == trained.ExitCode, $"{path}={value}: {checkedOnly.Error} but then {trained.Error}");
                Assert.Equal(HasEndedWell(trained, $"{path}={value}"), Directory.Exists(_run.Run));
                if (Directory.Exists(_run.Run))
                {
                    Directory.Delete(_run.Run, recursive: true);
                }
            }
        }
    }

    [Theory]
    [InlineData("raise data.validation_fraction above 0", "data.validation_fraction=0")]
    [InlineData("adversarial.batch_size must be at least 2", "objective=reinforce", "reinforce.baseline=leave_one_out", "adversarial.batch_size=1")]
    [InlineData("adversarial.batch_size must be at least 2", "objective=rloo", "adversarial.batch_size=1")]
    [InlineData("adversarial.batch_size must be at least 2", "objective=rebar", "reinforce.baseline=leave_one_out", "adversarial.batch_size=1")]
    [InlineData("adversarial.batch_size must be at least 2", "objective=critic", "reinforce.baseline=leave_one_out", "adversarial.batch_size=1")]
    [InlineData("adversarial.batch_size must be at least 2", "objective=mixture", "adversarial.relaxation=reinmax",
        "reinforce.baseline=leave_one_out", "adversarial.batch_size=1")]
    [InlineData("reinforce.baseline must be leave_one_out with objective rloo", "objective=rloo", "reinforce.baseline=none")]
    [InlineData("choose a hard one, for example straight_through", "objective=mixture", "adversarial.relaxation=soft")]
    [InlineData("reinforce.reward must be discriminator or score", "objective=mixture", "adversarial.relaxation=reinmax",
        "reinforce.reward=constant")]
    [InlineData("reinforce.credit must be sequence or roll_outs", "objective=mixture", "adversarial.relaxation=reinmax", "reinforce.credit=dense")]
    [InlineData("filters of 900 tokens", "discriminator.filter_widths=[900]")]
    [InlineData("pretraining.epochs and adversarial.steps are both 0", "pretraining.epochs=0", "adversarial.steps=0")]
    [InlineData("adversarial.gradient_penalty must be positive", "adversarial.loss=wasserstein")]
    [InlineData("2147483647 steps", "pretraining.epochs=100000", "adversarial.steps=100000000", "pretraining.batch_size=1", "corpus=long")]
    [InlineData("make the sizes below 'generator' smaller", "generator.hidden=65536", "generator.layers=8")]
    [InlineData("make the sizes below 'discriminator' smaller", "discriminator.kind=lstm", "discriminator.hidden=65536",
        "discriminator.embedding=65536")]
    [InlineData("'discriminator.filter_widths'", "discriminator.filter_widths=[]")]
    [InlineData("'discriminator.filter_widths'", "discriminator.filter_widths=[2, 2]")]
    [InlineData("'discriminator.filter_widths'", "discriminator.filter_widths=[0]")]
    [InlineData("'discriminator.filter_widths'", "discriminator.filter_widths=[-1]")]
    [InlineData("generator.noisy_initial_state must be false", "generator.noisy_initial_state=true")]
    [InlineData("generator.noisy_initial_state must be false", "generator.noisy_initial_state=true", "objective=mle")]
    [InlineData("their sum below 1", "data.validation_fraction=0.5", "data.test_fraction=0.5")]
    [InlineData("1 <= minimum <= maximum", "data.minimum_tokens=5", "data.maximum_tokens=4")]
    public void What_contradicts_itself_is_refused_before_there_is_a_folder(string says, params string[] assignments)
    {
        string[] given = [.. assignments.Where(assignment => assignment != "corpus=long")];
        if (given.Length < assignments.Length)
        {
            File.WriteAllLines(_run.Corpus, Enumerable.Range(0, 40_000).Select(i => $"a{i % 7} cat{i / 7 % 80} sits{i / 560} here and there"));
        }

        ProgramRun run = Train(given);
        Assert.False(HasEndedWell(run, says));
        Assert.Contains(says, run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_run.Run));
    }

    [Theory]
    [InlineData("discriminator.filter_widths=[900]")]
    [InlineData("adversarial.loss=wasserstein")]
    public void What_only_a_discriminator_would_need_is_no_mistake_where_none_learns(string assignment)
    {
        Assert.True(HasEndedWell(Train(["objective=mle", assignment]), assignment));
    }

    [Fact]
    public void Spectral_normalisation_bounds_the_wasserstein_game_without_a_gradient_penalty() =>
        Assert.True(HasEndedWell(Train(["adversarial.loss=wasserstein", "discriminator.spectral_norm=true"]), "without a penalty"));

    [Fact]
    public void A_run_without_test_text_is_finished_and_everything_says_that_there_is_no_test()
    {
        ProgramRun trained = Train(["data.test_fraction=0"]);
        Assert.True(HasEndedWell(trained, "data.test_fraction=0"));
        Assert.Contains("no test text was held out.", trained.Output, StringComparison.Ordinal);
        Assert.Contains("there is no test NLL.", trained.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("nll/test", File.ReadAllText(Path.Combine(_run.Run, "metrics.jsonl")), StringComparison.Ordinal);
        Assert.Contains("finished", ProgramRun.Of("runs", _run.Folder).Output, StringComparison.Ordinal);
        ProgramRun evaluated = ProgramRun.Of("evaluate", _run.Run);
        Assert.Equal(ExitCode.UserMistake, evaluated.ExitCode);
        Assert.Contains("held out no test text", evaluated.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_norm_of_zero_does_not_clip()
    {
        byte[] Weights(string assignment)
        {
            Assert.True(HasEndedWell(Train([assignment]), assignment));
            byte[] weights = File.ReadAllBytes(Path.Combine(RunFolder.Open(_run.Run).Latest().Path, "generator.safetensors"));
            Directory.Delete(_run.Run, recursive: true);
            return weights;
        }

        Assert.Equal(Weights("pretraining.clip_norm=1000000"), Weights("pretraining.clip_norm=0"));
        Assert.NotEqual(Weights("adversarial.clip_norm=0.000001"), Weights("adversarial.clip_norm=0"));
    }

    [Fact]
    public void The_memory_that_is_checked_is_that_of_the_networks()
    {
        static long Trained(torch.nn.Module module) => module.parameters().Sum(parameter => parameter.numel());
        foreach (GeneratorKind kind in GeneratorKind.All)
        {
            GeneratorOptions options = kind.NewOptions().Sized(5, 7);
            using IGenerator made = options.Create(new SequenceFormat(11, 6, 0, 1, 2), new RandomKey(1));
            Assert.Equal(Trained(made.Module), options.ParameterCount(11));
        }

        var layers = new LstmGeneratorOptions { Embedding = 5, Hidden = 7, Layers = 3 };
        using var deep = new LstmGenerator(layers, new SequenceFormat(11, 6, 0, 1, 2), new RandomKey(1));
        Assert.Equal(Trained(deep), layers.ParameterCount(11));
        foreach (DiscriminatorKind kind in DiscriminatorKind.All)
        {
            DiscriminatorOptions options = kind.NewOptions().Sized(5, 7);
            using Discriminator judge = options.Create(11, 2, new RandomKey(1));
            Assert.Equal(Trained(judge), options.ParameterCount(11));
        }
    }

    public void Dispose() => _run.Dispose();

    private ProgramRun Train(string[] assignments, params string[] options) => ProgramRun.Of(
        ["train", "--corpus", _run.Corpus, "--run", _run.Run, .. options, .. _tiny.Concat(assignments).SelectMany(set => (string[])["--set", set])]);

    // Exit code 0, or 2 with one sentence.
    private static bool HasEndedWell(ProgramRun run, string what)
    {
        if (run.ExitCode == ExitCode.Done)
        {
            return true;
        }

        string sentence = run.Error.TrimEnd('\n');
        Assert.True(run.ExitCode == ExitCode.UserMistake && sentence.EndsWith('.') && !sentence.Contains('\n', StringComparison.Ordinal),
            $"{what}: exit code {run.ExitCode}, {run.Error}");
        return false;
    }

    private static IEnumerable<(string Path, ConfigurationProperty Property, string[] Needs)> Keys()
    {
        return Below(ConfigurationProperty.Of(typeof(RunConfig)), new RunConfig(), "", []);

        static IEnumerable<(string, ConfigurationProperty, string[])> Below(
            IReadOnlyList<ConfigurationProperty> properties, object defaults, string prefix, string[] needs)
        {
            foreach (ConfigurationProperty property in properties)
            {
                string path = prefix + property.Name;
                if (property.Section is null)
                {
                    yield return (path, property, prefix == "reinforce." ? ["objective=reinforce"] : needs);
                    continue;
                }

                IEnumerable<(object Options, string[] Needs)> sections = property.Kinds is { } kinds
                    ? kinds.Select(kind => (kind.NewOptions(), (string[])[$"{path}.kind={kind.Name}"]))
                    : [(property.Property.GetValue(defaults)!, needs)];
                foreach ((object options, string[] kind) in sections)
                {
                    foreach ((string, ConfigurationProperty, string[]) key in Below(
                        ConfigurationProperty.Of(options.GetType()), options, path + ".", kind))
                    {
                        yield return key;
                    }
                }
            }
        }
    }

    private static IEnumerable<string> Extremes(ConfigurationProperty property)
    {
        string[] odd = ["", "null", "0", "-1", "1", "2147483647", "2147483648", "-9223372036854775808", "9223372036854775807", "1e400", "NaN", "0.5",
            "0,7", "1e-300", "true", "yes", "x", "[]", "[1]", "[1, x]", "{a: 1}", "../..", new string('x', 300)];
        foreach (string value in odd.Concat(Small(property)))
        {
            yield return value;
        }

        if (property.Property.GetCustomAttribute<RangeAttribute>() is { } range)
        {
            double lowest = Convert.ToDouble(range.Minimum, CultureInfo.InvariantCulture);
            double highest = Convert.ToDouble(range.Maximum, CultureInfo.InvariantCulture);
            bool isWhole = property.ScalarType != typeof(double);
            double[] values = [highest, lowest - 1, highest + 1, isWhole ? lowest : lowest - 1e-9, isWhole ? highest : highest * 1.001];
            foreach (double value in values)
            {
                yield return Written(property, value);
            }
        }
    }

    // The least value, and every value of what is chosen from a few.
    private static IEnumerable<string> Small(ConfigurationProperty property)
    {
        if (property.Property.GetCustomAttribute<RangeAttribute>() is { } range)
        {
            yield return Written(property, Convert.ToDouble(range.Minimum, CultureInfo.InvariantCulture));
            yield return Written(property, 0);
        }

        if (property.TypeInWords.StartsWith("one of ", StringComparison.Ordinal))
        {
            foreach (string choice in property.TypeInWords["one of ".Length..].Split(", "))
            {
                yield return choice;
            }
        }

        if (property.ScalarType == typeof(bool))
        {
            yield return "true";
            yield return "false";
        }

        if (property.ScalarType == typeof(string))
        {
            yield return "";
        }
    }

    private static string Written(ConfigurationProperty property, double value)
    {
        string number = value.ToString("R", CultureInfo.InvariantCulture);
        return property.IsList ? $"[{number}]" : number;
    }
}
