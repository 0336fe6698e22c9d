using GumbelGan.Primer.Chapters;
using GumbelGan.Randomness;
using GumbelGan.Storage;

namespace GumbelGan.Primer;

/// <summary>One chapter of the primer: a program that measures, and a text (Chapters/NAME.md) about what it measured.</summary>
/// <param name="Name">Its name on the command line.</param>
/// <param name="Title">Its heading.</param>
/// <param name="Measure">Does the experiments of the chapter and writes their results into the notebook.</param>
public sealed record Chapter(string Name, string Title, Action<Notebook> Measure) : INamedKind
{
    /// <summary>Every chapter, in the order of reading.</summary>
    public static IReadOnlyList<Chapter> All =>
    [
        GumbelChapter.Entry, CategoricalChapter.Entry, ReparameterisationChapter.Entry, RelaxationChapter.Entry, TrainingChapter.Entry,
        AutoencoderChapter.Entry, AttributesChapter.Entry, SubsetsChapter.Entry,
    ];

    /// <summary>Runs the chapter. Its numbers depend on the seed alone, not on the chapters that ran before.</summary>
    /// <param name="seed">The seed of the whole primer.</param>
    /// <param name="clock">Times the chapter.</param>
    public Notebook Run(ulong seed, TimeProvider clock)
    {
        var notebook = new Notebook(this, new RandomKey(seed).Derive(Name));
        long start = clock.GetTimestamp();
        Measure(notebook);
        notebook.Seconds = clock.GetElapsedTime(start).TotalSeconds;
        return notebook;
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
