using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Laboratory;
using GumbelGan.Randomness;

namespace GumbelGan.Tests.Laboratory;

/// <summary>A generator and a discriminator with few enough sequences.</summary>
internal sealed class SmallGame : IDisposable
{
    public SmallGame(int vocabulary, int length, bool ends = false, string discriminator = "lstm", Feedback feedback = Feedback.Relaxed,
        double scale = 3, int layers = 1)
    {
        // Vocabulary counts what can be generated: the tokens, one of which ends a sequence where sequences end.
        SequenceFormat format = ends
            ? new SequenceFormat(vocabulary + 2, length, vocabulary, vocabulary - 1, vocabulary + 1)
            : SequenceFormat.FixedLength(vocabulary, length, 0);
        Generator = new LstmGenerator(new LstmGeneratorOptions { Embedding = 3, Hidden = 4, Feedback = feedback, Layers = layers }, format,
            new RandomKey(3));
        Generator.Temper(1 / scale);
        DiscriminatorOptions options = discriminator == "lstm"
            ? new LstmDiscriminatorOptions { Embedding = 3, Hidden = 5 }
            : new CnnDiscriminatorOptions { Embedding = 3, Filters = 5, FilterWidths = [1, 2] };
        Discriminator = options.Create(format.Vocabulary, format.PaddingId, new RandomKey(4));
    }

    public LstmGenerator Generator { get; }

    public Discriminator Discriminator { get; }

    public ExactGame Exact(Reward? reward = null, bool isStandardised = true) =>
        ExactGame.Of(Generator, Discriminator, reward ?? new Reward(1), isStandardised);

    public void Dispose()
    {
        Generator.Dispose();
        Discriminator.Dispose();
    }
}
