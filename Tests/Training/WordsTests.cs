using System.Runtime.InteropServices;
using GumbelGan.Storage;
using GumbelGan.Tokenization;
using GumbelGan.Training;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Training;

/// <summary>Messages that once named the wrong cause or no remedy, and weights that another program stored otherwise.</summary>
public sealed class WordsTests
{
    [Fact]
    public void One_hot_samples_are_laid_to_the_logits_where_a_temperature_of_one_would_not_help()
    {
        var options = new HealthOptions();
        Assert.StartsWith("The temperature 0.1 underflows", new HealthState().WithOneHot(options, 0.95, 0.1, () => 0.2).Warning,
            StringComparison.Ordinal);
        Assert.StartsWith("The generator's logits have exploded: 95",
            new HealthState().WithOneHot(options, 0.95, 0.949, () => 0.94).Warning, StringComparison.Ordinal);
        Assert.StartsWith("The generator's logits have exploded", new HealthState().WithOneHot(options, 0.95, 2, () => 0).Warning,
            StringComparison.Ordinal);
        Assert.Null(new HealthState().WithOneHot(options, 0.5, 0.1, () => 1).Warning);
    }

    [Fact]
    public void Equal_lines_are_not_said_to_be_too_few()
    {
        using var run = new TemporaryRun();
        File.WriteAllLines(run.Corpus, Enumerable.Repeat("a cat sits", 500));
        string message = Assert.Throws<UserMistakeException>(() => TrainingJob.Prepare(run.Config())).Message;
        Assert.Contains("1 distinct lines among 500 usable ones", message, StringComparison.Ordinal);
        Assert.Contains("add lines that differ", message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_tokenizer_writes_otherwise_is_said_before_training_with_the_remedy()
    {
        using var run = new TemporaryRun();
        File.WriteAllLines(run.Corpus, Enumerable.Range(0, 200).Select(i => $"( {(char)('a' + i % 26)} ) + x{i % 7}"));
        var observer = new ReportingObserver(_ => { });
        run.Train(run.Config("objective=mle", "adversarial.steps=0", "pretraining.epochs=1"), observer);
        Assert.StartsWith("The tokenizer writes '( a ) + x0' of the corpus as '", observer.Messages[0], StringComparison.Ordinal);
        Assert.EndsWith("train with tokenizer.split_punctuation=false.", observer.Messages[0], StringComparison.Ordinal);

        using TrainingJob whole = TrainingJob.Prepare(run.Config("tokenizer.split_punctuation=false"));
        Assert.Null(TrainingChecks.LinesChanged(whole.Corpus));
        using var plain = new TemporaryRun();
        using TrainingJob words = TrainingJob.Prepare(plain.Config());
        Assert.Null(TrainingChecks.LinesChanged(words.Corpus));
    }

    [Fact]
    public void A_grammar_that_the_tokenizer_changes_is_refused_with_the_remedy()
    {
        using var run = new TemporaryRun();
        string grammar = Path.Combine(run.Folder, "small.grammar");
        File.WriteAllText(grammar, "S -> \"( y )\" | \"x\"\n");
        string message = Assert.Throws<UserMistakeException>(() => new GrammarJudge(
            grammar, TextTokenizer.Train(["( y )", "x"], new TokenizerOptions()), 10)).Message;
        Assert.EndsWith("train with tokenizer.split_punctuation=false.", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(SafetensorsType.F64)]
    [InlineData(SafetensorsType.F16)]
    [InlineData(SafetensorsType.BF16)]
    public void Weights_of_another_precision_are_converted_as_they_are_loaded(SafetensorsType type)
    {
        // All of these are whole in every type: few bits, small exponents.
        float[] weights = [0f, -0f, 1f, -1.5f, 0.25f, 96f];
        byte[] data = type switch
        {
            SafetensorsType.F64 => MemoryMarshal.AsBytes<double>(Array.ConvertAll(weights, weight => (double)weight)).ToArray(),
            SafetensorsType.F16 => MemoryMarshal.AsBytes<Half>(Array.ConvertAll(weights, weight => (Half)weight)).ToArray(),
            _ => MemoryMarshal.AsBytes<ushort>(
                Array.ConvertAll(weights, weight => (ushort)(BitConverter.SingleToUInt32Bits(weight) >> 16))).ToArray(),
        };
        using var run = new TemporaryRun();
        string path = Path.Combine(run.Folder, "weights.safetensors");
        SafetensorsFile.Write(path, [new SafetensorsEntry("w", type, [2, 3], data)]);
        using Tensor target = zeros(2, 3);
        ModuleWeights.Load([("w", target)], SafetensorsFile.Read(path));
        Assert.Equal(weights, target.data<float>().ToArray());
    }

    [Fact]
    public void Whole_numbers_are_no_weights()
    {
        using var run = new TemporaryRun();
        string path = Path.Combine(run.Folder, "weights.safetensors");
        SafetensorsFile.Write(path, [SafetensorsEntry.Create<int>("w", [2], [1, 2])]);
        using Tensor target = zeros(2);
        Assert.Contains("holds 'w' as I32 [2] where this model has [2]", Assert.Throws<UserMistakeException>(
            () => ModuleWeights.Load([("w", target)], SafetensorsFile.Read(path))).Message, StringComparison.Ordinal);
    }
}
