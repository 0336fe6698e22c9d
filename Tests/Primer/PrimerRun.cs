using GumbelGan.Primer;
using TorchSharp;

namespace GumbelGan.Tests.Primer;

/// <summary>One run of the whole primer, which all tests read.</summary>
internal static class PrimerRun
{
    public const ulong Seed = 1;

    private static readonly Lazy<PrimerEdition> _edition = new(Run);

    public static PrimerEdition Edition => _edition.Value;

    public static IReadOnlyDictionary<string, double> Numbers(string chapter) =>
        Edition.Notebooks.Single(notebook => notebook.Chapter.Name == chapter).Numbers;

    // As the command does: a second thread would only spin between the primer's small operations.
    private static PrimerEdition Run()
    {
        int threads = torch.get_num_threads();
        torch.set_num_threads(1);
        try
        {
            return new PrimerEdition(Seed, [.. Chapter.All.Select(chapter => chapter.Run(Seed, TimeProvider.System))]);
        }
        finally
        {
            torch.set_num_threads(threads);
        }
    }
}
