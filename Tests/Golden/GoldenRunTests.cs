using System.Globalization;
using GumbelGan.Storage;
using GumbelGan.Tests.Training;
using GumbelGan.Training.Configuration;
using Xunit;

namespace GumbelGan.Tests.Golden;

/// <summary>
/// Thirty steps of each objective against each discriminator, every loss and gradient norm to six digits. A change of structure leaves them alone;
/// a change that is meant to alter numbers says so and renews them with <c>make golden</c>.
/// </summary>
public sealed class GoldenRunTests
{
    // One unit in the sixth digit, and sums that cancel: the last bits belong to the processor's vector width.
    private const double RelativeTolerance = 2e-5, AbsoluteTolerance = 2e-6;
    private const string RenewVariable = "GUMBELGAN_RENEW_GOLDEN";

    private static readonly Dictionary<string, string[]> _objectives = new()
    {
        ["mle"] = ["objective=mle", "pretraining.dropout=0.2"],
        ["gumbel"] = ["objective=gumbel"],
        ["gumbel-straight-through"] = ["objective=gumbel", "adversarial.relaxation=straight_through", "adversarial.loss=hinge"],
        ["gumbel-hard-feedback"] =
            ["objective=gumbel", "generator.feedback=hard", "adversarial.loss=non_saturating", "adversarial.discriminator_steps=2"],
        ["gumbel-wasserstein"] = ["objective=gumbel", "adversarial.loss=wasserstein", "adversarial.gradient_penalty=10"],
        ["gumbel-spectral"] = ["objective=gumbel", "adversarial.loss=hinge", "discriminator.spectral_norm=true"],
        ["gumbel-two-layers"] = ["objective=gumbel", "generator.layers=2"],
        ["reinforce"] = ["objective=reinforce", "reinforce.baseline=moving_average"],
        ["reinforce-leave-one-out"] = ["objective=reinforce", "reinforce.baseline=leave_one_out", "reinforce.entropy_bonus=0.01"],
        ["reinforce-roll-outs"] = ["objective=reinforce", "reinforce.credit=roll_outs", "reinforce.roll_outs=3"],
    };

    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (string objective in _objectives.Keys)
            {
                cases.Add(objective, "cnn");
                cases.Add(objective, "lstm");
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Thirty_steps_give_the_numbers_that_they_always_gave_on_one_thread_and_on_two(string objective, string discriminator)
    {
        string[] measured = Measure(objective, discriminator, 1);
        Assert.Equal(measured, Measure(objective, discriminator, 2));
        if (Environment.GetEnvironmentVariable(RenewVariable) is { Length: > 0 } folder)
        {
            File.WriteAllLines(Path.Combine(folder, $"{objective}-{discriminator}.txt"), measured);
            return;
        }

        string[] golden = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Golden", "runs", $"{objective}-{discriminator}.txt"));
        Assert.Equal(golden.Length, measured.Length);
        foreach ((string expected, string actual) in golden.Zip(measured))
        {
            (string name, double wanted) = Parse(expected);
            (string tag, double value) = Parse(actual);
            Assert.Equal(name, tag);
            double tolerance = AbsoluteTolerance + RelativeTolerance * Math.Abs(wanted);
            Assert.True(Math.Abs(wanted - value) <= tolerance, $"{objective} with {discriminator}, {name}: {value} where {wanted} was.");
        }
    }

    private static string[] Measure(string objective, string discriminator, int threads)
    {
        using var run = new TemporaryRun();
        RunConfig config = run.Config(
        [
            $"discriminator.kind={discriminator}", $"threads={threads}", "pretraining.epochs=1", "pretraining.batch_size=32", "adversarial.steps=20",
                "adversarial.discriminator_warm_up_steps=4",
            "recording.every=1", "recording.evaluate_every=100", "recording.checkpoint_every=100", .. _objectives[objective],
        ]);
        run.Train(config);
        return
        [
            .. from record in MetricsJournal.Read(Path.Combine(run.Run, "metrics.jsonl"))
               from scalar in record.Scalars
               where scalar.Key.StartsWith("loss/", StringComparison.Ordinal) || scalar.Key.StartsWith("gradient_norm/", StringComparison.Ordinal)
               select string.Create(CultureInfo.InvariantCulture, $"{record.Step:D2} {scalar.Key} {scalar.Value:G6}"),
        ];
    }

    private static (string Name, double Value) Parse(string line)
    {
        int end = line.LastIndexOf(' ');
        return (line[..end], double.Parse(line[(end + 1)..], CultureInfo.InvariantCulture));
    }
}
