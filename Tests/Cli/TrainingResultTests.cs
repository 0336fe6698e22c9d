using GumbelGan.Cli.Printing;
using GumbelGan.Storage;
using Xunit;

namespace GumbelGan.Tests.Cli;

public sealed class TrainingResultTests : IDisposable
{
    private readonly string _run = Directory.CreateTempSubdirectory("gumbelgan-result").FullName;

    [Fact]
    public void A_run_with_a_grammar_tells_what_its_last_phase_did_to_the_divergence_and_to_validity()
    {
        File.WriteAllLines(Path.Combine(_run, MetricsJournal.FileName),
        [
            """{"step":0,"phase":"start","nll/validation":3,"likelihood_divergence/jensen_shannon":0.6,"model_mass":0.01}""",
            """{"step":9,"phase":"pretraining","nll/validation":1.5,"likelihood_divergence/jensen_shannon":0.2,"model_mass":0.5}""",
            """{"step":9,"phase":"start","nll/validation":1.2,"likelihood_divergence/jensen_shannon":0.1,"model_mass":0.9,"""
                + """ "likelihood_divergence/jensen_shannon/lower":0.08,"likelihood_divergence/jensen_shannon/upper":0.12}""",
            """{"step":14,"phase":"adversarial","nll/validation":1.3,"likelihood_divergence/jensen_shannon":0.3,"model_mass":0.8}""",
            """{"step":19,"phase":"adversarial","nll/validation":1.4,"likelihood_divergence/jensen_shannon":0.05,"model_mass":0.95}""",
            """{"step":19,"phase":"finished","nll/test":1.25}""",
        ]);
        string printed = Printed.By(writer => TrainingResult.Write(_run, writer), 200);
        Assert.Contains("likelihood_divergence/jensen_shannon: 0.1000 (0.0800 to 0.1200) before the adversarial phase, 0.0500 after", printed);
        Assert.Contains("model_mass: 0.9000 before the adversarial phase, 0.9500 after", printed);
    }

    [Fact]
    public void A_run_without_a_grammar_says_nothing_of_one()
    {
        File.WriteAllLines(Path.Combine(_run, MetricsJournal.FileName),
            ["""{"step":0,"phase":"start","nll/validation":3}""", """{"step":5,"phase":"adversarial","nll/validation":2}"""]);
        Assert.DoesNotContain("before the", Printed.By(writer => TrainingResult.Write(_run, writer), 200));
    }

    public void Dispose() => Directory.Delete(_run, true);
}
