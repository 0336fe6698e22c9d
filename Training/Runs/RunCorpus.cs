using GumbelGan.Storage;
using GumbelGan.Tokenization;
using GumbelGan.Training.Configuration;

namespace GumbelGan.Training.Runs;

/// <summary>The corpus of a run that exists.</summary>
public static class RunCorpus
{
    /// <summary>Reads it again, as the run did.</summary>
    /// <param name="folder">The run.</param>
    /// <param name="config">Its configuration.</param>
    /// <exception cref="UserMistakeException">The file is gone, or is no longer what the run was trained on.</exception>
    public static EncodedCorpus Read(RunFolder folder, RunConfig config)
    {
        EncodedCorpus corpus = EncodedCorpus.Read(config.Corpus, TextTokenizer.Load(folder.Tokenizer), config.Data);
        string trainedOn = RunEnvironment.Read(folder.Environment).CorpusSha256;
        return corpus.Report.Identity == trainedOn
            ? corpus
            : throw new UserMistakeException(
                $"{config.Corpus} has changed since the run in {folder.Path} was trained on it; bring the old file back (SHA-256 {trainedOn}).");
    }
}
