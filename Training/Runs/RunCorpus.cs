using GumbelGan.Storage;
using GumbelGan.Tokenization;
using GumbelGan.Training.Configuration;

namespace GumbelGan.Training.Runs;

/// <summary>The corpus of a run that exists. It may have moved, and is known by its content.</summary>
public static class RunCorpus
{
    /// <summary>Reads it again, as the run did.</summary>
    /// <param name="folder">The run.</param>
    /// <param name="config">Its configuration.</param>
    /// <param name="moved">Where it lies now; null for where the configuration says.</param>
    /// <param name="option">The option with which a user names another place, in messages; null where there is none.</param>
    /// <exception cref="UserMistakeException">The file is gone, or is not what the run was trained on.</exception>
    public static EncodedCorpus Read(RunFolder folder, RunConfig config, string? moved = null, string? option = null)
    {
        string path = moved ?? config.Corpus;
        if (option is not null && moved is null && !File.Exists(path))
        {
            throw new UserMistakeException(
                $"The corpus {path} of the run in {folder.Path} is gone; name the place to which it has moved with {option}.");
        }

        EncodedCorpus corpus = EncodedCorpus.Read(path, RunTokenizer.Load(folder), config.Data);
        string trainedOn = RunEnvironment.Read(folder.Environment).CorpusSha256;
        if (corpus.Report.Identity == trainedOn)
        {
            return corpus;
        }

        string orNameIt = option is null ? "" : $", or name its place with {option}";
        throw new UserMistakeException(moved is null
            ? $"{path} has changed since the run in {folder.Path} was trained on it; bring the old file back (SHA-256 {trainedOn}){orNameIt}."
            : $"{path} is not the corpus of the run in {folder.Path}: its SHA-256 is {corpus.Report.Identity}, that of the corpus {trainedOn}; "
                + "name a copy of the corpus.");
    }
}
